import { aborted, type Client, Controller, type ControllerOptions, type ObjectKey, type Requeue } from '@kosmos/kube'
import { formatCidr } from '@kosmos/kube/addresses'
import type { Log } from '@kosmos/kube/process'
import type { LinkState } from '../control/link-state.ts'
import { followedDefinition } from '../control/members/followed-kind.ts'
import { takesPart } from '../control/plans/link-network.ts'
import { isReady } from '../discover/node.ts'
import type { LinkCluster, LinkNetwork } from '../model/network.ts'
import { addressesSeen, type SeenFrom } from './addresses.ts'
import type { Exported } from './exports.ts'
import { MemberServices } from './member-services.ts'
import { reachOf } from './reach.ts'
import { Reaches } from './reaches.ts'
import { serviceExports } from './resources.ts'

export interface ServiceSharingOptions {
  readonly state: LinkState
  readonly log: Log
  readonly onReconcile?: ControllerOptions<string>['onReconcile']
}

/** What agents say comes in bursts. */
const SETTLE_MS = 100

/** Which cluster's reach is looked at: its name; '' are the networks of all. */
type Subject = string
const NETWORKS = ''

/** What is known of all clusters at a moment. */
interface Networks {
  readonly network: LinkNetwork
  /** Names of those that take part, and that no other root links. */
  readonly linked: readonly string[]
  /** All that addresses of one cluster in another follow from. */
  readonly text: string
}

const reachesAll = () => true

const NOTHING: Exported = { kind: 'none' }

/** Multi-cluster Services (KEP-1645) of all linked clusters: what one exports, all import that have the namespace. */
export class ServiceSharing {
  readonly #options: ServiceSharingOptions
  readonly #members = new Map<string, MemberServices>()
  /** Clusters that do not serve the API: they export nothing. */
  readonly #without = new Set<string>()
  /** Clusters that another root links: their Services are its business. */
  readonly #ofOthers = new Set<string>()
  readonly #reaches: Reaches
  readonly #blocks = new Map<ObjectKey, Map<string, string>>()
  readonly #looks: Controller<Subject>
  #networks: Networks | undefined
  #seen: { readonly network: LinkNetwork; readonly by: Map<string, SeenFrom | undefined> } | undefined

  constructor(options: ServiceSharingOptions) {
    this.#options = options
    const { state, onReconcile } = options
    this.#reaches = new Reaches((name) => state.clusters.get(name) !== undefined)
    this.#looks = new Controller<Subject>({
      name: 'link-reach',
      reconcile: async (subject) => this.#lookAt(subject),
      ...(onReconcile && { onReconcile }),
    })
    const lookAtNetworks = () => {
      this.#looks.enqueueAfter(NETWORKS, SETTLE_MS)
      return []
    }
    this.#looks.watch(state.clusters, lookAtNetworks)
    state.policies.subscribe(lookAtNetworks)
    this.#looks.waitFor(state.synced)
  }

  /** What we know of a cluster, its agents' reports among it, is not as it was. */
  changed(cluster: string): void {
    this.#looks.enqueueAfter(cluster, SETTLE_MS)
  }

  /** Whether nothing of ours is left in a cluster that is being let go; undefined: that is not known. */
  isClean(cluster: string): boolean | undefined {
    const member = this.#members.get(cluster)
    if (member === undefined) return this.#without.has(cluster) ? true : undefined
    return member.imports.hasSynced && member.exports.requests.hasSynced ? member.isClean : undefined
  }

  async run(signal: AbortSignal): Promise<void> {
    await this.#looks.run(signal)
  }

  /** Shares the Services of one cluster until the signal aborts; rejects if it does before the cluster has the API. */
  async serve(name: string, client: Client, signal: AbortSignal): Promise<void> {
    const { state } = this.#options
    // Who may not talk with whom has to be known before anything is shared.
    await Promise.race([state.synced, aborted(signal)])
    signal.throwIfAborted()
    await this.#offered(name, client, signal)
    if (this.#learnsRoot(name)) this.#networks = this.#look()
    const member = this.#member(name, client)
    this.#members.set(name, member)
    try {
      this.#enqueueAll()
      await member.run(signal)
    } finally {
      if (this.#members.get(name) === member) this.#members.delete(name)
      for (const key of [...this.#blocks.keys()]) this.#block(name, key, undefined)
    }
  }

  /** Resolves when a cluster has the API, which comes with `join --link` or with somebody else. Rejects on abort. */
  async #offered(name: string, client: Client, signal: AbortSignal): Promise<void> {
    const { promise: isThere, resolve } = Promise.withResolvers<void>()
    const changed = () => {
      if (definition.objects.length > 0) resolve()
    }
    const definition = followedDefinition(client, serviceExports, changed)
    const stop = new AbortController()
    const running = definition.run(AbortSignal.any([signal, stop.signal]))
    await definition.settled
    if (definition.objects.length === 0 && !signal.aborted) {
      this.#options.log('warn', 'link.services.not-served', { cluster: name })
      this.#without.add(name)
      this.#enqueueAll()
    }
    await Promise.race([isThere, running])
    stop.abort()
    await running
    signal.throwIfAborted()
    this.#without.delete(name)
  }

  #member(name: string, client: Client): MemberServices {
    const { state, onReconcile } = this.#options
    return new MemberServices({
      name,
      client,
      rootId: state.rootId,
      isAnothers: () => this.#ofOthers.has(name),
      followsAnnotation: client === state.root,
      surroundings: {
        sources: (key) => this.#sources(name, key),
        seenFrom: (cluster) => this.#seenFrom(this.#known.network, name, cluster),
        serviceFamilies: () => familiesOf(this.#known.network.get(name)),
        reachOf: (cluster) => (cluster === name ? reachesAll : this.#reaches.of(name).reaches),
      },
      exportChanged: (key) => this.#enqueue(key),
      exportedFrom: (namespace) => [...this.#members.values()].flatMap(({ exports }) => [...exports.keysIn(namespace)]),
      blocked: (key, why) => this.#block(name, key, why),
      blocks: (key) => this.#blocks.get(key) ?? new Map(),
      ...(onReconcile && { onReconcile }),
    })
  }

  #sources(reader: string, key: ObjectKey): ReadonlyMap<string, Exported> {
    const { network, linked } = this.#known
    if (!linked.includes(reader)) return new Map()
    const strangers = network.get(reader)?.strangers
    return new Map(
      linked.map((cluster) => [cluster, strangers?.has(cluster) ? NOTHING : this.#exportedBy(cluster, key)]),
    )
  }

  /** As last looked at, and not as of now: else a name could be looked at for what nobody tells the other names of. */
  get #known(): Networks {
    this.#networks ??= this.#look()
    return this.#networks
  }

  #look(): Networks {
    const { clusters, network } = this.#options.state
    const names = [...clusters.store.values()].filter(takesPart).map(({ metadata }) => metadata.name)
    const linked = names.filter((name) => !this.#ofOthers.has(name))
    return { network, linked, text: textOf(network, linked) }
  }

  /** @returns whether a cluster has come to another root, or is no other root's any more */
  #learnsRoot(cluster: string): boolean {
    const member = this.#options.state.members.get(cluster)
    // Of one that cannot be seen now, what was seen last counts.
    if (member?.state.kind !== 'ready') return false
    const isAnothers = member.otherRoot() !== undefined
    if (isAnothers === this.#ofOthers.has(cluster)) return false
    if (isAnothers) this.#ofOthers.add(cluster)
    else this.#ofOthers.delete(cluster)
    return true
  }

  #exportedBy(cluster: string, key: ObjectKey): Exported {
    if (this.#without.has(cluster)) return NOTHING
    return this.#members.get(cluster)?.exports.of(key) ?? { kind: 'unknown' }
  }

  #seenFrom(network: LinkNetwork, reader: string, source: string): SeenFrom | undefined {
    if (this.#seen?.network !== network) this.#seen = { network, by: new Map() }
    const { by } = this.#seen
    const pair = `${reader} ${source}`
    if (!by.has(pair)) by.set(pair, addressesSeen(network, reader, source))
    return by.get(pair)
  }

  #block(cluster: string, key: ObjectKey, why: string | undefined): void {
    const blocks = this.#blocks.get(key)
    if (blocks?.get(cluster) === why) return
    if (why !== undefined) this.#blocks.set(key, new Map([...(blocks ?? []), [cluster, why]]))
    else if (blocks?.delete(cluster) && blocks.size === 0) this.#blocks.delete(key)
    this.#enqueue(key)
  }

  async #lookAt(subject: Subject): Promise<Requeue> {
    const { state } = this.#options
    if (subject === NETWORKS) {
      const before = this.#networks
      this.#networks = this.#look()
      this.#forgetGone()
      if (this.#networks.text !== before?.text) this.#enqueueAll()
      return
    }
    if (state.clusters.get(subject) === undefined) return
    if (this.#learnsRoot(subject)) {
      this.#networks = this.#look()
      this.#enqueueAll()
    }
    const member = state.members.get(subject)
    const ready = new Set(member?.nodes().flatMap((node) => (isReady(node) ? [node.metadata.name] : [])))
    const isHeard = (node: string) => ready.has(node) && member?.wordOf(node).kind !== 'silent'
    const configs = member?.nodeConfigsOf(subject).filter(({ spec }) => isHeard(spec.nodeName)) ?? []
    if (!this.#reaches.set(subject, reachOf(configs))) return
    const services = this.#members.get(subject)
    for (const key of services?.imports.keys() ?? []) services?.enqueue(key)
    return
  }

  /** A Cluster of the same name that comes later is another one. */
  #forgetGone(): void {
    const { clusters } = this.#options.state
    const isThere = (name: string) => clusters.get(name) !== undefined
    for (const names of [this.#without, this.#ofOthers]) {
      for (const name of names) if (!isThere(name)) names.delete(name)
    }
  }

  #exported(): ObjectKey[] {
    return [...new Set([...this.#members.values()].flatMap(({ exports }) => exports.keys()))]
  }

  #enqueue(key: ObjectKey): void {
    for (const member of this.#members.values()) member.enqueue(key)
  }

  #enqueueAll(): void {
    const exported = this.#exported()
    for (const member of this.#members.values()) {
      for (const key of new Set([...exported, ...member.imports.keys()])) member.enqueue(key)
    }
  }
}

/** Of Services, as Kubernetes calls them. */
const familiesOf = (cluster: LinkCluster | undefined): ReadonlySet<string> =>
  new Set((cluster?.networks ?? []).flatMap(({ kind, local }) => (kind === 'Service' ? `IPv${local.family}` : [])))

const textOf = (network: LinkNetwork, linked: readonly string[]): string =>
  JSON.stringify([
    linked,
    [...network.values()].map(({ name, families, networks, strangers }) => [
      name,
      [...strangers.keys()],
      [...families],
      networks.map(({ kind, local, global }) => [kind, formatCidr(local), formatCidr(global)]),
    ]),
  ])
