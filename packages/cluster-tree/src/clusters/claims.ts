import type { Node } from '@kosmos/kube'
import { isNodeOf, leafIdOf } from '../nodes/ownership.ts'

/** What the root holds of Clusters and their virtual nodes. */
export interface ClaimsView {
  readonly clusters: Iterable<{ readonly metadata: { readonly name: string } }>
  readonly virtualNodes: Iterable<Node>
}

/**
 * Which Cluster stands for which leaf, by the leaf's id: one leaf joined twice would mirror its pods twice. The Cluster
 * that has a virtual node for the leaf keeps it, so that a restart changes nothing; before there is one, who asks first.
 */
export class LeafClaims {
  readonly #holders = new Map<string, string>()
  readonly #view: () => ClaimsView

  constructor(view: () => ClaimsView) {
    this.#view = view
  }

  /** Takes the leaf for a Cluster; returns the Cluster that has it already, if another. */
  claim(leafId: string, cluster: string): string | undefined {
    const holder = this.#holders.get(leafId) ?? this.#settled(leafId, cluster)
    if (holder !== undefined && holder !== cluster) return holder
    this.release(cluster)
    this.#holders.set(leafId, cluster)
    return undefined
  }

  release(cluster: string): void {
    for (const [leafId, holder] of this.#holders) if (holder === cluster) this.#holders.delete(leafId)
  }

  /** The Cluster with a virtual node for the leaf; the asking one, if it is among them. */
  #settled(leafId: string, asking: string): string | undefined {
    const { clusters, virtualNodes } = this.#view()
    const nodes = [...virtualNodes].filter((node) => leafIdOf(node) === leafId)
    const settled = [...clusters]
      .map(({ metadata }) => metadata.name)
      .filter((name) => nodes.some((node) => isNodeOf(node, name)))
    return settled.includes(asking) ? asking : settled.sort()[0]
  }
}
