import { setTimeout as sleep } from 'node:timers/promises'
import { clusterLabel, fieldManagers } from '@kosmos/api'
import {
  Client,
  Connection,
  createTransport,
  Informer,
  type Lease,
  leases,
  loadKubeConfig,
  type Node,
  nodes,
  servedResource,
} from '@kosmos/kube'
import { type Log, type ProcessMetrics, persist } from '@kosmos/kube/process'
import { isLinkable, slimNode } from '../../discover/node.ts'
import type { NetworkObjects, ServiceCIDR } from '../../discover/sources/objects.ts'
import { agentNamespace } from '../../model/agent-word.ts'
import { AgentWords, type Word } from '../cluster-nodes/agent-words.ts'
import { NodeClocks } from '../cluster-nodes/node-clocks.ts'
import { nodeConfigs, type StoredNodeConfig, serviceCIDRs } from '../resources.ts'
import { firstRoot, rootOf } from './first-root.ts'
import { type Forbidden, NetworkSources } from './network-sources.ts'

/** How far we are with a cluster. */
export type MemberState =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'unreachable'; readonly message: string }
  | { readonly kind: 'kindMissing' }
  | { readonly kind: 'ready' }

export interface MemberOptions {
  readonly name: string
  /** The id of the root. */
  readonly root: () => string
  readonly connect: () => Promise<Client>
  /** What else is done with the connection as long as it lasts. */
  readonly serve: (client: Client, signal: AbortSignal) => Promise<void>
  /** Called from time to time to renew the credentials of the connection; absent: it is not the member's own. */
  readonly renew?: (client: Client) => Promise<void>
  readonly log: Log
  /** Something about the cluster, or what we know of it, is not as it was. */
  readonly changed: () => void
  /** An agent is heard of that was not, or its clock is wrong, or right again. */
  readonly heard: () => void
}

const noObjects = { ipPools: [], blockAffinities: [], ipamBlocks: [], ciliumNodes: [], configMaps: [] }

/** Between two looks at how old the credentials are. */
const RENEWAL_MS = 60_000

/** One linked cluster, watched with the credentials of its Cluster. */
export class Member {
  readonly #options: MemberOptions
  readonly #stop = new AbortController()
  readonly #ended: Promise<void>
  #client: Client | undefined
  #state: MemberState = { kind: 'connecting' }
  #nodes: Informer<Node> | undefined
  #serviceCIDRs: Informer<ServiceCIDR> | undefined
  #nodeConfigs: Informer<StoredNodeConfig> | undefined
  #sources: NetworkSources | undefined
  readonly #words = new AgentWords()
  readonly #clocks = new NodeClocks()

  constructor(options: MemberOptions) {
    this.#options = options
    this.#ended = this.#run(this.#stop.signal).catch(() => undefined)
  }

  get state(): MemberState {
    return this.#state
  }

  get client(): Client | undefined {
    return this.#client
  }

  /** Its nodes that get tunnels. */
  nodes(): Node[] {
    return [...(this.#nodes?.store.values() ?? [])].filter(isLinkable)
  }

  /** What says which networks it has. */
  networkObjects(): NetworkObjects {
    const ofPlugIns = this.#sources?.objects() ?? noObjects
    return { ...ofPlugIns, nodes: this.nodes(), serviceCIDRs: [...(this.#serviceCIDRs?.store.values() ?? [])] }
  }

  /** What says it and may not be read. */
  forbidden(): Forbidden {
    return this.#sources?.forbidden() ?? { kinds: [], configMaps: [] }
  }

  /** Those that are ours, not another root's. */
  nodeConfigsOf(cluster: string): StoredNodeConfig[] {
    return [...this.#everyNodeConfig()].filter(
      (one) =>
        one.metadata.labels?.[clusterLabel] === cluster &&
        (rootOf(one) ?? this.#options.root()) === this.#options.root(),
    )
  }

  /** Another root that links the cluster already. */
  otherRoot(): string | undefined {
    const first = firstRoot(this.#everyNodeConfig())
    return first === this.#options.root() ? undefined : first
  }

  #everyNodeConfig(): Iterable<StoredNodeConfig> {
    return this.#nodeConfigs?.store.values() ?? []
  }

  /** Whether what the agent on a node said last holds still. */
  wordOf(node: string): Word {
    return this.#words.of(node, performance.now())
  }

  /** How far the clock of a node is ahead of ours, in ms, 0: it is right; undefined: not known yet. */
  clockAheadMs(node: string): number | undefined {
    return this.#clocks.aheadMs(node)
  }

  nodeConfig(name: string): StoredNodeConfig | undefined {
    return this.#nodeConfigs?.get(name)
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#ended
    if (this.#options.renew) await this.#client?.connection.close()
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { connect, log, changed } = this.#options
    this.#client = await persist('link.connect', connect, log, signal)
    const client = this.#client
    const servesServiceCIDRs = await persist('link.look', () => this.#look(client), log, signal)
    const members = {
      nodes: new Informer({ client, resource: nodes, transform: slimNode }),
      nodeConfigs: new Informer({ client, resource: nodeConfigs }),
      ...(servesServiceCIDRs && { serviceCIDRs: new Informer({ client, resource: serviceCIDRs }) }),
    }
    this.#nodes = members.nodes
    this.#nodeConfigs = members.nodeConfigs
    this.#serviceCIDRs = members.serviceCIDRs
    const sources = new NetworkSources({ client, log, changed })
    this.#sources = sources
    const informers = Object.values(members)
    const running = [...informers, sources, this.#agentLeases(client)].map((one) => one.run(signal))
    const known = [...informers.map(({ synced }) => synced), sources.settled]
    await Promise.race([Promise.all(known), ...running])
    this.#become({ kind: 'ready' })
    members.nodes.subscribe(changed)
    members.serviceCIDRs?.subscribe(changed)
    members.nodeConfigs.subscribe(changed)
    await Promise.all([...running, this.#renewNowAndThen(client, signal), this.#options.serve(client, signal)])
  }

  /** Not waited for: they may not be readable, and then nobody knows how old the agents' words are. */
  #agentLeases(client: Client): Informer<Lease> {
    const found = new Informer({ client, resource: leases, namespace: agentNamespace, backoff: { maxMs: RENEWAL_MS } })
    found.subscribe(({ type, object }) => {
      const { name } = object.metadata
      if (type === 'deleted') {
        this.#words.gone(name)
        this.#clocks.gone(name)
        return
      }
      const isHeardAnew = this.#words.saw(object, performance.now())
      const isOtherClock = type === 'updated' && this.#clocks.renewed(object, Date.now())
      if (isHeardAnew || isOtherClock) this.#options.heard()
    })
    return found
  }

  /** A token says itself when half of its life has passed; to look is no request. */
  async #renewNowAndThen(client: Client, signal: AbortSignal): Promise<void> {
    const { renew } = this.#options
    while (renew && !signal.aborted) {
      await renew(client)
      await sleep(RENEWAL_MS, undefined, { signal, ref: false }).catch(() => undefined)
    }
  }

  /** Whether it serves ServiceCIDRs. Throws until it serves NodeConfigs. */
  async #look(client: Client): Promise<boolean> {
    try {
      if ((await servedResource(client, [nodeConfigs])) === undefined) {
        this.#become({ kind: 'kindMissing' })
        throw new Error(`${client.name} does not know the kind NodeConfig`)
      }
      return (await servedResource(client, [serviceCIDRs])) !== undefined
    } catch (error) {
      if (this.#state.kind !== 'kindMissing') this.#become({ kind: 'unreachable', message: (error as Error).message })
      throw error
    }
  }

  #become(state: MemberState): void {
    this.#state = state
    this.#options.changed()
  }
}

/** A connection by the kubeconfig of a Cluster. */
export async function connectMember(name: string, kubeconfig: string, metrics: ProcessMetrics): Promise<Client> {
  const transport = await createTransport(loadKubeConfig({ text: kubeconfig, selfContained: true }))
  const connection = new Connection(name, transport, {
    onRequest: (observation) => metrics.request(name, observation),
  })
  return new Client(connection, fieldManagers.clusterLink)
}
