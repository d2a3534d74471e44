import { systemNamespace } from '@kosmos/api'
import { type Client, clusters, Informer, type Secret, type StoredCluster, secrets } from '@kosmos/kube'
import { type Log, persist } from '@kosmos/kube/process'
import type { LinkNetwork } from '../model/network.ts'
import { type SharedKey, sharedKeys } from '../plan/shared-keys.ts'
import { type Overlap, overlapsIn, takenByTunnels } from '../plan/visible.ts'
import type { Member } from './members/member.ts'
import { rootIdOf } from './members/root-id.ts'
import { linkNetwork } from './plans/link-network.ts'
import { RootPolicies } from './policies/root-policies.ts'
import { clusterNodes, type StoredClusterNode } from './resources.ts'

/** What the controllers of ClusterLink know together: the root's objects, and the clusters that they are connected with. */
export class LinkState {
  readonly root: Client
  readonly clusters: Informer<StoredCluster>
  readonly credentials: Informer<Secret>
  readonly clusterNodes: Informer<StoredClusterNode, 'cluster'>
  readonly policies: RootPolicies
  readonly members = new Map<string, Member>()
  readonly #log: Log
  readonly #rootKnown = Promise.withResolvers<void>()
  #rootId = ''
  #network: LinkNetwork | undefined
  #overlaps: readonly Overlap[] | undefined
  #taken: readonly Overlap[] | undefined
  #sharedKeys: readonly SharedKey[] | undefined

  constructor(root: Client, log: Log) {
    this.root = root
    this.#log = log
    this.clusters = new Informer({ client: root, resource: clusters })
    this.credentials = new Informer({ client: root, resource: secrets, namespace: systemNamespace })
    this.clusterNodes = new Informer({
      client: root,
      resource: clusterNodes,
      indexes: { cluster: ({ spec }: StoredClusterNode) => [spec.clusterName] },
    })
    this.policies = new RootPolicies(root, log)
    const forget = () => {
      this.#network = undefined
      this.#overlaps = undefined
      this.#taken = undefined
      this.#sharedKeys = undefined
    }
    this.clusters.subscribe(forget)
    this.clusterNodes.subscribe(forget)
    this.policies.subscribe(forget)
  }

  /** Resolves when it is known what there is. */
  get synced(): Promise<void> {
    return this.#known(this.policies.synced)
  }

  /** The same, whether or not policies may be read. */
  get settled(): Promise<void> {
    return this.#known(this.policies.settled)
  }

  /** All clusters that take part, as of now. */
  get network(): LinkNetwork {
    this.#network ??= linkNetwork(this.clusters.store.values(), (cluster) => this.nodesOf(cluster), this.policies.all)
    return this.#network
  }

  /** Networks of which one hides the other, as of now; looked for once however many clusters ask. */
  get overlaps(): readonly Overlap[] {
    this.#overlaps ??= overlapsIn(this.network)
    return this.#overlaps
  }

  /** Networks of tunnels that are pods' or Services' as well, as of now. */
  get taken(): readonly Overlap[] {
    this.#taken ??= takenByTunnels(this.network)
    return this.#taken
  }

  /** Nodes that have a key in common, as of now. */
  get sharedKeys(): readonly SharedKey[] {
    this.#sharedKeys ??= sharedKeys(this.network)
    return this.#sharedKeys
  }

  nodesOf(cluster: string): StoredClusterNode[] {
    return [...this.clusterNodes.store.by('cluster', cluster)]
  }

  /** What the root's own things in other clusters carry; known when the state has settled. */
  get rootId(): string {
    return this.#rootId
  }

  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([...this.#informers, this.policies].map((one) => one.run(signal)).concat(this.#learnRoot(signal)))
  }

  async #learnRoot(signal: AbortSignal): Promise<void> {
    try {
      this.#rootId = await persist('link.root', () => rootIdOf(this.root), this.#log, signal)
      this.#rootKnown.resolve()
    } catch (error) {
      if (!signal.aborted) throw error
    }
  }

  async #known(policies: Promise<void>): Promise<void> {
    await Promise.all([...this.#informers.map(({ synced }) => synced), policies, this.#rootKnown.promise])
  }

  get #informers() {
    return [this.clusters, this.credentials, this.clusterNodes]
  }
}
