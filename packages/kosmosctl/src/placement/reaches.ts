import { type Client, keyOf, type ObjectKey, type Pod } from '@kosmos/kube'
import { claimsOf, type Reach, readReach } from '@kosmos/scheduler'
import { isForbidden, type Unread } from './reading.ts'

export interface Reaches {
  readonly reaches: ReadonlyMap<ObjectKey, Reach>
  readonly unread: readonly Unread[]
}

/** What the volumes of these pods say about their nodes, as the scheduler reads it before it decides. */
export async function readReaches(root: Client, pods: readonly Pod[]): Promise<Reaches> {
  // Pods of one template share their claims.
  const known = new Map<string, Reach | undefined>()
  const reaches = new Map<ObjectKey, Reach>()
  try {
    for (const pod of pods) {
      const question = JSON.stringify([pod.metadata.namespace, claimsOf(pod)])
      if (!known.has(question)) known.set(question, await readReach(root, pod))
      const reach = known.get(question)
      if (reach) reaches.set(keyOf(pod), reach)
    }
    return { reaches, unread: [] }
  } catch (error) {
    if (!isForbidden(error)) throw error
    const what = 'claims, and where their volumes may be'
    return { reaches, unread: [{ what, why: error.status.message ?? error.message, isOfOthers: false }] }
  }
}
