import type { Decision, Offer } from '@kosmos/scheduler'

/** How many pods end where. */
export interface Outcome {
  /** The value of the topology key; undefined: no place of the policy. */
  readonly value: string | undefined
  readonly pods: number
  /** What becomes of them, for people. */
  readonly what: string
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
  const at = `${decision.policy.topologyKey}=${decision.value}`
  return decision.offer === 'room'
    ? `goes to ${at}`
    : `waits for its place at ${at}, where ${obstacles[decision.offer]}`
}

/** Why a place cannot be had now, for people. */
export const obstacles: Readonly<Record<Exclude<Offer, 'room'>, string>> = {
  noNode: 'no Ready node takes it',
  noRoom: 'no single node has room for it',
  refused: 'the leaf has lately found no node for such a pod',
}

/** Decisions of the same meaning together, in the order in which they came up first. */
export function outcomesOf(decisions: readonly Decision[]): Outcome[] {
  const outcomes = new Map<string, Outcome>()
  for (const decision of decisions) {
    const what = meaningOf(decision)
    const value = decision.kind === 'seat' ? decision.value : undefined
    outcomes.set(what, { value, what, pods: (outcomes.get(what)?.pods ?? 0) + 1 })
  }
  return [...outcomes.values()]
}
