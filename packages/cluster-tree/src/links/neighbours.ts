import { clusterLabel } from '@kosmos/api'
import type { Informer, Node, StoredCluster } from '@kosmos/kube'
import { isLinked } from './linked.ts'
import type { ServiceSlices } from './service-slices.ts'

export interface NeighboursOptions {
  readonly clusterName: string
  readonly clusters: Pick<Informer<StoredCluster>, 'get' | 'subscribe'>
  readonly virtualNodes: Pick<Informer<Node>, 'get'>
  readonly slices: ServiceSlices
}

/** Which pods of other clusters those of one leaf reach, and what tells of them. */
export class Neighbours {
  readonly #options: NeighboursOptions

  constructor(options: NeighboursOptions) {
    this.#options = options
  }

  get slices(): ServiceSlices {
    return this.#options.slices
  }

  /** Whether a pod on that node of the root is reached at the addresses that the root shows. */
  reach(nodeName: string | undefined): boolean {
    const { clusterName, clusters, virtualNodes } = this.#options
    const other = nodeName && virtualNodes.get(nodeName)?.metadata.labels?.[clusterLabel]
    return other ? isLinked(clusters.get(clusterName)) && isLinked(clusters.get(other)) : false
  }

  /** Calls back whenever a cluster is linked or no longer. @returns what ends it */
  subscribe(changed: () => void): () => void {
    const { clusterName, clusters, slices } = this.#options
    return clusters.subscribe((change) => {
      const now = change.type !== 'deleted' && isLinked(change.object)
      if (now && change.key === clusterName) slices.follow()
      const before = change.type === 'added' ? false : isLinked(change.type === 'updated' ? change.old : change.object)
      if (now !== before) changed()
    })
  }
}
