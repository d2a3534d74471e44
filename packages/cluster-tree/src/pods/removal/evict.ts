import { ApiError, type Client, isOvertaken, keyOf, type Pod } from '@kosmos/kube'
import { isOfDaemonSet } from '../owner.ts'

/** A pod that the root does not let go yet, and its words: usually those of a PodDisruptionBudget. */
export interface HeldBack {
  readonly pod: Pod
  readonly said: string
}

export interface Evicted {
  /** How many are to go and are still there; who asks again later gets on with them. */
  readonly left: number
  /** Some of these, by their names. */
  readonly heldBack: readonly HeldBack[]
}

/**
 * Asks the root to move pods elsewhere, as `kubectl drain` does: with their own grace, and only as far as PodDisruptionBudgets
 * allow. What holds one pod back is no matter to the others.
 */
export async function evict(root: Client, onNode: Iterable<Pod>): Promise<Evicted> {
  const movable = [...onNode].filter((pod) => !isOfDaemonSet(pod))
  const standing = movable.filter(({ metadata }) => metadata.deletionTimestamp === undefined)
  const asked = await Promise.all(standing.map(async (pod) => ({ pod, said: await refusal(root, pod) })))
  const heldBack = asked.flatMap(({ pod, said }) => (said === undefined ? [] : [{ pod, said }]))
  heldBack.sort((a, b) => (keyOf(a.pod) < keyOf(b.pod) ? -1 : 1))
  return { left: movable.length, heldBack }
}

/** Why a pod stays for now; undefined if it goes, or is another by now. */
async function refusal(root: Client, { metadata }: Pod): Promise<string | undefined> {
  try {
    const outcome = await root.evict(metadata, { uid: metadata.uid })
    return outcome.ok || isOvertaken(outcome) ? undefined : (outcome.status.message ?? outcome.reason)
  } catch (error) {
    // 429: a PodDisruptionBudget says not now; 500: two of them speak of the pod.
    if (error instanceof ApiError) return saidBy(error)
    throw error
  }
}

/** The budget and its figures are in the cause only. */
function saidBy({ status, message }: ApiError): string {
  const cause = status.details?.causes?.find(({ reason }) => reason === 'DisruptionBudget')?.message
  return [status.message ?? message, ...(cause ? [cause] : [])].join(' ')
}
