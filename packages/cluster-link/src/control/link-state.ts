import { systemNamespace } from '@kosmos/api'
import { type Client, clusters, Informer, type Secret, type StoredCluster, secrets } from '@kosmos/kube'
import type { LinkNetwork } from '../model/network.ts'
import { type Overlap, overlapsIn } from '../plan/visible.ts'
import { linkNetwork } from './link-network.ts'
import type { Member } from './member.ts'
import { clusterNodes, type StoredClusterNode } from './resources.ts'

/** What the controllers of ClusterLink know together: the root's objects, and the clusters that they are connected with. */
export class LinkState {
  readonly root: Client
  readonly clusters: Informer<StoredCluster>
  readonly credentials: Informer<Secret>
  readonly clusterNodes: Informer<StoredClusterNode, 'cluster'>
  readonly members = new Map<string, Member>()
  #network: LinkNetwork | undefined
  #overlaps: readonly Overlap[] | undefined

  constructor(root: Client) {
    this.root = root
    this.clusters = new Informer({ client: root, resource: clusters })
    this.credentials = new Informer({ client: root, resource: secrets, namespace: systemNamespace })
    this.clusterNodes = new Informer({
      client: root,
      resource: clusterNodes,
      indexes: { cluster: ({ spec }: StoredClusterNode) => [spec.clusterName] },
    })
    const forget = () => {
      this.#network = undefined
      this.#overlaps = undefined
    }
    this.clusters.subscribe(forget)
    this.clusterNodes.subscribe(forget)
  }

  get synced(): Promise<void> {
    return Promise.all([this.clusters.synced, this.credentials.synced, this.clusterNodes.synced]).then(() => undefined)
  }

  /** All clusters that take part, as of now. */
  get network(): LinkNetwork {
    this.#network ??= linkNetwork(this.clusters.store.values(), (cluster) => this.nodesOf(cluster))
    return this.#network
  }

  /** Networks of which one hides the other, as of now; looked for once however many clusters ask. */
  get overlaps(): readonly Overlap[] {
    this.#overlaps ??= overlapsIn(this.network)
    return this.#overlaps
  }

  nodesOf(cluster: string): StoredClusterNode[] {
    return [...this.clusterNodes.store.by('cluster', cluster)]
  }

  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([this.clusters, this.credentials, this.clusterNodes].map((informer) => informer.run(signal)))
  }
}
