import type { StoredCluster } from '@kosmos/kube'
import { parseCidr } from '@kosmos/kube/addresses'
import type { FoundNetworks } from '../../discover/networks.ts'
import { globalCIDRsFor, type Mapped } from '../../plan/global-cidrs.ts'
import { takesPart } from './link-network.ts'

/** Gives global networks to clusters whose networks overlap: what one has it keeps, and no two have the same. */
export class GlobalCIDRs {
  readonly #clusters: () => Iterable<StoredCluster>
  /** Written, but not yet heard of; by the uids of Clusters. */
  readonly #given = new Map<string, ReadonlyMap<string, string>>()

  constructor(clusters: () => Iterable<StoredCluster>) {
    this.#clusters = clusters
  }

  /** What the status of a cluster should say: local → global, as far as it was not said by hand. */
  of(cluster: StoredCluster, found: FoundNetworks): Record<string, string> {
    const { name, uid } = cluster.metadata
    const present = new Set([cluster, ...this.#clusters()].map(({ metadata }) => metadata.uid))
    for (const given of this.#given.keys()) if (!present.has(given)) this.#given.delete(given)
    const own = this.#mapped(cluster, found)
    const others = [...this.#clusters()]
      .filter((other) => other.metadata.name !== name && takesPart(other))
      .map((other) => this.#mapped(other, foundIn(other)))
    const before = this.#known(cluster)
    const more = globalCIDRsFor(own, others)
    const all = more.size === 0 ? before : new Map([...before, ...more])
    this.#given.set(uid, all)
    return Object.fromEntries(all)
  }

  #known(cluster: StoredCluster): ReadonlyMap<string, string> {
    const stored = Object.entries(cluster.status?.clusterLinkStatus?.globalCIDRs ?? {})
    return new Map([...stored, ...(this.#given.get(cluster.metadata.uid) ?? [])])
  }

  #mapped(cluster: StoredCluster, { podCIDRs, serviceCIDRs }: FoundNetworks): Mapped {
    const byHand = Object.entries(cluster.spec.clusterLinkOptions?.globalCIDRsMap ?? {})
    return {
      name: cluster.metadata.name,
      networks: [...podCIDRs, ...serviceCIDRs].map(parseCidr),
      mappings: [...byHand, ...this.#known(cluster)].map(([from, to]) => [parseCidr(from), parseCidr(to)] as const),
    }
  }
}

function foundIn({ status }: StoredCluster): FoundNetworks {
  const { podCIDRs = [], serviceCIDRs = [] } = status?.clusterLinkStatus ?? {}
  return { podCIDRs, serviceCIDRs }
}
