import { summaryOf } from '../kernel/summary.ts'
import { type Enqueue, learn, type NodeState, silentIn } from './state.ts'

/** Goes by the next hops that answer; a fail-over does not wait until the kernel has been read. */
export async function reconcileRoutes(state: NodeState, enqueue: Enqueue): Promise<undefined> {
  const { wanted, kernel, log } = state
  if (!wanted || !kernel) return undefined
  try {
    const steps = await kernel.reroute(() => silentIn(state, wanted.spec))
    if (steps.length > 0) {
      log('info', 'kernel.rerouted', { steps: summaryOf(steps) })
      learn(state, { changedAt: Date.now() })
    }
  } catch (error) {
    enqueue('kernel')
    throw error
  }
  return undefined
}
