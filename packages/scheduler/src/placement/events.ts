import type { EventContent } from '@kosmos/kube'
import type { CompiledPolicy } from '../policies/compiled-policy.ts'
import type { Offer } from './place.ts'

/** What the user who looks at a pod reads about its place; nothing else writes event text. */
export const placementEvents = {
  quotaReached: ({ name, shares }: CompiledPolicy): EventContent => ({
    type: 'Warning',
    reason: 'QuotaReached',
    action: 'Placing',
    note: `WorkloadPolicy ${name} has a place for ${shares.reduce((sum, { max }) => sum + max, 0)} pods, and all are taken; this one waits. Raise replicas or max of an allocation, or set allocationType: Preferred`,
  }),
  placeKept: ({ name, topologyKey }: CompiledPolicy, value: string, offer: Offer): EventContent => ({
    type: 'Warning',
    reason: 'PlaceKept',
    action: 'Placing',
    note:
      offer === 'noNode'
        ? `WorkloadPolicy ${name} gives it a place at ${topologyKey}=${value}, where no Ready node takes it; it waits there. whenUnavailable: Spill would give it another`
        : `WorkloadPolicy ${name} gives it a place at ${topologyKey}=${value}, where no single node has room for what it requests, inside the leaf as well; it waits there. whenUnavailable: Spill would give it another`,
  }),
  placementRefused: ({ name }: CompiledPolicy, why: string): EventContent => ({
    type: 'Warning',
    reason: 'PlacementRefused',
    action: 'Placing',
    note: `the place that WorkloadPolicy ${name} gives it was refused: ${why}`,
  }),
}
