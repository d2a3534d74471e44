import { type Client, isForbidden, keyOf, type ObjectKey, type Pod } from '@kosmos/kube'
import { claimsOf, type Reach, reachOf, readClaims, type SeenClaim } from '@kosmos/scheduler'
import type { Unread } from './reading.ts'

export interface Claims {
  /** By the pod; a pod is missing whose claims may not be read. */
  readonly byPod: ReadonlyMap<ObjectKey, readonly SeenClaim[]>
  readonly unread: readonly Unread[]
}

/** The claims of pods, as the scheduler reads them before it decides. */
export async function readClaimsOf(root: Client, pods: readonly Pod[]): Promise<Claims> {
  // Pods of one template share their claims.
  const known = new Map<string, readonly SeenClaim[]>()
  const byPod = new Map<ObjectKey, readonly SeenClaim[]>()
  try {
    for (const pod of pods) {
      const question = JSON.stringify([pod.metadata.namespace, claimsOf(pod)])
      const claims = known.get(question) ?? (await readClaims(root, pod))
      known.set(question, claims)
      byPod.set(keyOf(pod), claims)
    }
    return { byPod, unread: [] }
  } catch (error) {
    if (!isForbidden(error)) throw error
    const what = 'claims, and where their volumes may be'
    return { byPod, unread: [{ what, why: error.status.message ?? error.message, isOfOthers: false }] }
  }
}

/** What the volumes of pods say about their nodes. Pure. */
export function reachesIn({ byPod }: Claims): ReadonlyMap<ObjectKey, Reach> {
  return new Map(
    [...byPod].flatMap(([key, claims]) => {
      const reach = reachOf(claims)
      return reach ? [[key, reach] as const] : []
    }),
  )
}
