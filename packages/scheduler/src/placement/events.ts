import type { EventContent } from '@kosmos/kube'
import type { CompiledPolicy } from '../policies/compiled-policy.ts'
import type { Offer } from './place.ts'

/** Why a pod waits in front of its place. */
const obstacles = {
  noNode: 'no Ready node takes it',
  noRoom: 'no single node has room for what it requests, inside the leaf as well',
  refused:
    'the leaf has lately found no node for a pod that asks for as much; when it is tried again is in the status of the policy',
} as const

/** What the user who looks at a pod reads about its place; nothing else writes event text. */
export const placementEvents = {
  quotaReached: ({ name, shares }: CompiledPolicy): EventContent => ({
    type: 'Warning',
    reason: 'QuotaReached',
    action: 'Placing',
    note: `WorkloadPolicy ${name} has a place for ${shares.reduce((sum, { max }) => sum + max, 0)} pods, and all are taken; this one waits. Raise replicas or max of an allocation, or set allocationType: Preferred`,
  }),
  placeKept: ({ name, topologyKey }: CompiledPolicy, value: string, offer: Exclude<Offer, 'room'>): EventContent => ({
    type: 'Warning',
    reason: 'PlaceKept',
    action: 'Placing',
    note: `WorkloadPolicy ${name} gives it a place at ${topologyKey}=${value}, where ${obstacles[offer]}; it waits there. whenUnavailable: Spill would give it another`,
  }),
  placementRefused: ({ name }: CompiledPolicy, why: string): EventContent => ({
    type: 'Warning',
    reason: 'PlacementRefused',
    action: 'Placing',
    note: `the place that WorkloadPolicy ${name} gives it was refused: ${why}`,
  }),
}
