import {
  type ClusterTrustBundle,
  clusterTrustBundles,
  clusterTrustBundlesV1beta1,
  type Informer,
  labelSelector,
} from '@kosmos/kube'
import { normalizeAnchors } from './anchors.ts'
import type { BundleWish } from './wishes.ts'

/** The kinds of them that a root may serve, best first; they say the same. */
export const bundleResources = [clusterTrustBundles, clusterTrustBundlesV1beta1] as const

/** The bundles of trust of the root, as all leaves share them. */
export class TrustBundles {
  readonly informer: Informer<ClusterTrustBundle, 'signer'>
  /** By key of the wish, until a bundle changes. */
  readonly #anchors = new Map<string, string | undefined>()

  constructor(informer: Informer<ClusterTrustBundle, 'signer'>) {
    this.informer = informer
    informer.subscribe(() => this.#anchors.clear())
  }

  /** What a pod gets that asks for it, PEM; undefined if there is no such bundle. */
  anchorsOf({ key, source }: BundleWish): string | undefined {
    if (this.#anchors.has(key)) return this.#anchors.get(key)
    const bundles = [...this.#select(source)]
    const anchors = bundles.length > 0 ? normalizeAnchors(bundles.map(({ spec }) => spec.trustBundle)) : undefined
    this.#anchors.set(key, anchors)
    return anchors
  }

  *#select({ name, signerName, labelSelector: wanted }: BundleWish['source']): Iterable<ClusterTrustBundle> {
    if (name !== undefined) {
      const bundle = this.informer.get(name)
      if (bundle) yield bundle
      return
    }
    const selector = labelSelector(wanted)
    for (const bundle of this.informer.store.by('signer', signerName ?? '')) {
      if (selector.matches(bundle.metadata.labels)) yield bundle
    }
  }
}

/** Whether a change of a bundle may change what is asked for. Pure. */
export function concerns({ metadata, spec }: ClusterTrustBundle, { source }: BundleWish): boolean {
  return source.name !== undefined ? source.name === metadata.name : source.signerName === spec.signerName
}
