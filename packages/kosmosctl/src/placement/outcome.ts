import { placementLabel } from '@kosmos/api'
import type { Decision, Foreseen, Obstacle } from '@kosmos/scheduler'

/** How many pods end where. */
export interface Outcome {
  /** The value of the topology key; undefined: no place of the policy. */
  readonly value: string | undefined
  /** The node that has room, where no share decides; undefined: a share does, or the stock scheduler. */
  readonly node: string | undefined
  readonly pods: number
  /** What becomes of them, for people. */
  readonly what: string
  /** Where they have room only once the stock scheduler has preempted for them: who could give way, of whom it takes as few as it needs. */
  readonly preemption?: readonly GivingWay[]
}

export interface GivingWay {
  readonly node: string
  /** Pods of a lower priority there, as namespace/name. */
  readonly couldGiveWay: readonly string[]
}

/** What a decision means for its pod, for people. */
export function meaningOf(decision: Decision): string {
  const { distribution } = decision
  if (distribution === undefined) return placeOf(decision)
  return `${placeOf(decision)}, by ${distribution.kind} ${distribution.policy}, term ${distribution.term}`
}

function placeOf(decision: Decision): string {
  if (decision.kind === 'anywhere') return 'goes where the stock scheduler puts it'
  if (decision.kind === 'wait') return `waits: every place that WorkloadPolicy ${decision.policy.name} gives is taken`
  if (decision.kind === 'anyRoom') return anyRoom(decision)
  const at = `${decision.policy.topologyKey}=${decision.value}`
  if (decision.offer === 'byPreemption') return `goes to ${at}, ${preempting}`
  return decision.offer === 'room'
    ? `goes to ${at}`
    : `waits for its place at ${at}, where ${obstacleOf(decision.offer, decision.behind)}`
}

function anyRoom({ policy, offer, aim, behind }: Decision & { kind: 'anyRoom' }): string {
  const by = policy
    ? `since WorkloadPolicy ${policy.name} lets it go anywhere`
    : `by the label ${placementLabel} of its namespace`
  if (offer === 'byPreemption') return `goes to node ${aim?.node}, ${preempting}, ${by}`
  if (aim) return `goes to node ${aim.node}, which has room, ${by}`
  return `waits for room, ${by}: ${obstacleOf(offer as Obstacle, behind)}`
}

const preempting = 'where the stock scheduler preempts pods of a lower priority for it'

/** @param behind the pod that what has room is kept for */
function obstacleOf(offer: Obstacle, behind: string | undefined): string {
  return behind === undefined ? obstacles[offer] : `${obstacles[offer]}: ${behind}`
}

/** Why a place cannot be had now, for people. */
export const obstacles: Readonly<Record<Obstacle, string>> = {
  noNode: 'no Ready node takes it (cordoned, taints, selectors)',
  noValue: 'no node has that label',
  noRoom: 'no single node has room for it',
  reserved: 'what has room is kept for a pod that comes first, by its priority or its age',
  refused: 'the leaf, or the scheduler of the root, has lately found no node for such a pod',
}

/** Who could give way is known of what is foreseen. */
type Decided = Decision & { readonly givingWay?: Foreseen['givingWay'] }

/** Decisions of the same meaning together, in the order in which they came up first. */
export function outcomesOf(decisions: readonly Decided[]): Outcome[] {
  return [...Map.groupBy(decisions, meaningOf)].map(([what, same]) => {
    const [decision] = same
    const value = decision?.kind === 'seat' ? decision.value : undefined
    const node = decision?.kind === 'anyRoom' ? decision.aim?.node : undefined
    const preemption = preemptionOf(same)
    return { value, node, what, pods: same.length, ...(preemption.length > 0 && { preemption }) }
  })
}

function preemptionOf(decisions: readonly Decided[]): GivingWay[] {
  const byNode = new Map<string, Set<string>>()
  for (const decision of decisions) {
    const node = 'aim' in decision ? decision.aim?.node : undefined
    if (node === undefined || decision.givingWay === undefined || decision.givingWay.length === 0) continue
    byNode.set(node, new Set([...(byNode.get(node) ?? []), ...decision.givingWay]))
  }
  return [...byNode].map(([node, couldGiveWay]) => ({ node, couldGiveWay: [...couldGiveWay].sort() }))
}
