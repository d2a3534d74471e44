import { summaryOf } from '../kernel/summary.ts'
import type { Enqueue, NodeState } from './state.ts'

/** How often is looked whether peers have gone over to their next keys: nobody tells. Most do within seconds. */
const looks = { soonMs: 100, lateMs: 1_000, untilMs: 60_000 } as const

/** Goes along with peers that go over to their next keys, and looks again as long as some have not. */
export async function reconcileSuccession(state: NodeState, enqueue: Enqueue) {
  const { kernel, log } = state
  if (!kernel) return undefined
  try {
    const { steps, isAwaiting } = await kernel.succeed()
    if (steps.length > 0) log('info', 'peers.succeeded', { steps: summaryOf(steps) })
    state.awaitingSince = isAwaiting ? (state.awaitingSince ?? Date.now()) : undefined
    if (state.awaitingSince === undefined) return undefined
    return { afterMs: Date.now() - state.awaitingSince < looks.untilMs ? looks.soonMs : looks.lateMs }
  } catch (error) {
    enqueue('kernel')
    throw error
  }
}
