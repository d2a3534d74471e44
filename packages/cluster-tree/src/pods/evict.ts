import { ApiError, type Client, type Pod, pods } from '@kosmos/kube'
import { isOfDaemonSet } from './owner.ts'

/**
 * Asks the root to move pods elsewhere, as `kubectl drain` does: with their own grace, and only as far as PodDisruptionBudgets
 * allow. Returns how many are still there; who asks again later gets on with those that a budget held back.
 */
export async function evict(root: Client, onNode: Iterable<Pod>): Promise<number> {
  const movable = [...onNode].filter((pod) => !isOfDaemonSet(pod))
  const standing = movable.filter(({ metadata }) => metadata.deletionTimestamp === undefined)
  await Promise.all(
    standing.map(async ({ metadata: { namespace, name, uid } }) => {
      const eviction = {
        apiVersion: 'policy/v1',
        kind: 'Eviction',
        metadata: { namespace, name },
        deleteOptions: { preconditions: { uid } },
      }
      const outcome = await root
        .createFor(pods, { namespace, name }, 'eviction', eviction as object as Pod)
        .catch(heldBack)
      if (outcome && !outcome.ok && outcome.reason === 'Forbidden')
        throw new Error(`pod ${namespace}/${name} cannot be evicted: ${outcome.status.message}`)
    }),
  )
  return movable.length
}

/** A PodDisruptionBudget says: not now. */
function heldBack(error: unknown): undefined {
  if (!(error instanceof ApiError && error.code === 429)) throw error
}
