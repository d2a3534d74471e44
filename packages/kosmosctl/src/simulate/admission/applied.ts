import { type KubeObject, keyOf, type Namespace } from '@kosmos/kube'
import type { StoredDistribution, StoredPolicy } from '@kosmos/scheduler'

/**
 * The policies of a root when those of a manifest have been applied to it: one that is there keeps its age and its status, another is
 * the youngest, so that older ones decide where both select a pod. Pure.
 * @param now RFC 3339
 */
export function applied<T extends StoredPolicy | StoredDistribution>(
  inRoot: readonly T[],
  ofManifest: readonly T[],
  now: string,
): T[] {
  const isSame = (a: T, b: T) => a.kind === b.kind && keyOf(a) === keyOf(b)
  const kept = inRoot.filter((policy) => !ofManifest.some((other) => isSame(policy, other)))
  const changed = ofManifest.map((policy): T => {
    const old = inRoot.find((other) => isSame(policy, other))
    const creationTimestamp = old?.metadata.creationTimestamp ?? now
    return { ...policy, metadata: { ...policy.metadata, creationTimestamp }, status: old?.status }
  })
  return [...kept, ...changed]
}

/** What a root has when objects of a manifest, which nothing depends on the age of, have been applied to it. Pure. */
export function appliedOver<T extends KubeObject>(inRoot: readonly T[], ofManifest: readonly T[]): T[] {
  const changed = new Set(ofManifest.map(keyOf))
  return [...inRoot.filter((one) => !changed.has(keyOf(one))), ...ofManifest]
}

/** The namespaces of a root when those of a manifest have been applied to it: labels of the manifest are added, or take the place of others. Pure. */
export function appliedNamespaces(inRoot: readonly Namespace[], ofManifest: readonly Namespace[]): Namespace[] {
  const kept = inRoot.filter(({ metadata }) => !ofManifest.some((other) => other.metadata.name === metadata.name))
  const changed = ofManifest.map((namespace): Namespace => {
    const old = inRoot.find(({ metadata }) => metadata.name === namespace.metadata.name)
    const labels = { ...old?.metadata.labels, ...namespace.metadata.labels }
    return { ...namespace, metadata: { ...namespace.metadata, labels } }
  })
  return [...kept, ...changed]
}
