import { bestFit, placementLabel } from '@kosmos/api'
import type { EventContent } from '@kosmos/kube'
import type { CompiledPolicy } from '../policies/compiled-policy.ts'
import type { Obstacle } from './place.ts'

/** Why a pod waits in front of its place. */
const obstacles = {
  noNode:
    'no Ready node takes it: see whether it tolerates their taints (kosmos.io/node), and whether its selectors fit them',
  noValue: 'no node has that label: see whether the name of the allocation and topologyKey are right',
  noRoom: 'no single node has room for what it requests, inside the leaf as well',
  reserved: 'what has room is kept for a pod that waits for room as well and comes first, by its priority or its age',
  refused:
    'the leaf, or the scheduler of the root, has lately found no node for a pod that asks for as much; when it is tried again is in the status of the policy',
} as const

const anywhere = {
  ...obstacles,
  noRoom: 'no single node has room for what it requests, inside leaves as well',
  refused: 'everywhere has lately no node been found for a pod that asks for as much',
} as const

const placesOf = (shares: CompiledPolicy['shares'], asked: ReadonlySet<string> | undefined): number =>
  shares.reduce((sum, { name, max }) => (asked === undefined || asked.has(name) ? sum + max : sum), 0)

/** What the user who looks at a pod reads about its place; nothing else writes event text. */
export const placementEvents = {
  /** @param asked the values of the topology key that the pod asks for, or has its volumes at */
  quotaReached: ({ name, shares, topologyKey }: CompiledPolicy, asked?: ReadonlySet<string>): EventContent => ({
    type: 'Warning',
    reason: 'QuotaReached',
    action: 'Placing',
    note: `WorkloadPolicy ${name} gives no more places than ${placesOf(shares, asked)}${asked === undefined ? '' : ` at ${topologyKey}=${[...asked].join(' or ')}, where it asks to be or has its volumes`}, and no other is free; this one waits. Raise replicas or max of an allocation, or set allocationType: Preferred`,
  }),
  placeKept: ({ name, topologyKey, waitsForNodes }: CompiledPolicy, value: string, offer: Obstacle): EventContent => ({
    type: 'Warning',
    reason: 'PlaceKept',
    action: 'Placing',
    note: `WorkloadPolicy ${name} gives it a place at ${topologyKey}=${value}, where ${obstacles[offer]}. It waits there${waitsForNodes ? '; whenUnavailable: Spill would give it another' : ', since no other place can have it now either'}`,
  }),
  noRoom: (policy: CompiledPolicy | undefined, offer: Obstacle): EventContent => ({
    type: 'Warning',
    reason: 'NoRoom',
    action: 'Placing',
    note: policy
      ? `WorkloadPolicy ${policy.name} lets it go anywhere${policy.bounded.length > 0 ? ' but where an allocation has a max' : ''}, and ${anywhere[offer]}; it waits until one has`
      : `its namespace has the label ${placementLabel}=${bestFit}, and ${anywhere[offer]}; it waits until one has`,
  }),
  otherGates: (names: readonly string[]): EventContent => ({
    type: 'Normal',
    reason: 'OtherGates',
    action: 'Placing',
    note: `it gets its place when the scheduling gates of others are gone, and takes none before: ${names.join(', ')}`,
  }),
  placementRefused: (policy: CompiledPolicy | undefined, why: string): EventContent => ({
    type: 'Warning',
    reason: 'PlacementRefused',
    action: 'Placing',
    note: policy
      ? `the place that WorkloadPolicy ${policy.name} gives it was refused: ${why}`
      : `the node that has room for it was refused: ${why}`,
  }),
}
