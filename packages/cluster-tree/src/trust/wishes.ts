import { hash } from 'node:crypto'
import type { Pod, PodSpec } from '@kosmos/kube'

type Source = NonNullable<NonNullable<NonNullable<PodSpec['volumes']>[number]['projected']>['sources']>[number]
type BundleSource = NonNullable<Source['clusterTrustBundle']>

/** ClusterTrustBundles that a pod asks for by a projected volume: one of a name, or those of a signer. */
export interface BundleWish {
  /** Of the ConfigMap with the pod's bundles. */
  readonly key: string
  readonly source: Pick<BundleSource, 'name' | 'signerName' | 'labelSelector'>
  /** Whether the pod starts without: it finds an empty file then. */
  readonly optional: boolean
  readonly volume: string
}

/** The bundles that the volumes of a pod ask for. Pure. */
export function bundleWishes({ volumes = [] }: PodSpec): readonly BundleWish[] {
  return volumes.flatMap(({ name, projected }) =>
    (projected?.sources ?? []).flatMap(({ clusterTrustBundle: source }) =>
      source ? [{ key: bundleKey(source), source, optional: source.optional ?? false, volume: name }] : [],
    ),
  )
}

/** Under which key the ConfigMap has what a source asks for; the same for equal ones. Pure. */
export function bundleKey({ name, signerName, labelSelector }: BundleWish['source']): string {
  return `bundle-${hash('sha1', JSON.stringify([name, signerName, labelSelector])).slice(0, 10)}`
}

/** The ConfigMap in the leaf that holds the bundles of this incarnation of a root pod. Pure. */
export function trustConfigMapName({ metadata: { uid } }: Pick<Pod, 'metadata'>): string {
  return `kosmos-trust-${uid}`
}

/** As a message calls them. Pure. */
export function describeBundles({ source: { name, signerName, labelSelector } }: BundleWish): string {
  if (name !== undefined) return `ClusterTrustBundle ${name}`
  return `ClusterTrustBundle of signer ${signerName}${labelSelector ? ' with the labels that it selects' : ''}`
}
