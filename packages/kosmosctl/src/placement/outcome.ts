import type { Decision } from '@kosmos/scheduler'

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
  if (decision.kind === 'anywhere') return 'goes where the stock scheduler puts it'
  if (decision.kind === 'wait') return `waits: every place that WorkloadPolicy ${decision.policy.name} gives is taken`
  const at = `${decision.policy.topologyKey}=${decision.value}`
  if (decision.offer === 'noNode') return `waits for its place at ${at}, where no Ready node takes it`
  if (decision.offer === 'noRoom') return `waits for its place at ${at}, where no single node has room for it`
  if (decision.offer === 'refused')
    return `waits for its place at ${at}, where the leaf has lately found no node for such a pod`
  return `goes to ${at}`
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
