import type { StoredPolicy } from '@kosmos/scheduler'

/**
 * The policies of a root when those of a manifest have been applied to it: one that is there keeps its age and its status, another is
 * the youngest, so that older ones decide where both select a pod. Pure.
 * @param now RFC 3339
 */
export function applied(inRoot: readonly StoredPolicy[], ofManifest: readonly StoredPolicy[], now: string) {
  const isSame = ({ metadata: a }: StoredPolicy, { metadata: b }: StoredPolicy) =>
    a.namespace === b.namespace && a.name === b.name
  const kept = inRoot.filter((policy) => !ofManifest.some((other) => isSame(policy, other)))
  const changed = ofManifest.map((policy): StoredPolicy => {
    const old = inRoot.find((other) => isSame(policy, other))
    const creationTimestamp = old?.metadata.creationTimestamp ?? now
    const { status: _, ...rest } = policy
    return {
      ...rest,
      metadata: { ...policy.metadata, creationTimestamp },
      ...(old?.status && { status: old.status }),
    }
  })
  return [...kept, ...changed]
}
