import type { VirtualNodeModel } from '@kosmos/api'
import {
  Client,
  keyOf,
  type PersistentVolumeClaim,
  type Pod,
  type ReconcileObservation,
  type ReflectorState,
} from '@kosmos/kube'
import { orphanKept } from '../clusters/events.ts'
import { ConfigurationCopies } from '../configuration/controller.ts'
import { ConfigurationRegistry } from '../configuration/registry.ts'
import { AbandonedObjects } from '../copies/abandoned.ts'
import { inRootsWords } from '../copies/root-words.ts'
import { leafNodes } from '../kubelet/leaf-nodes.ts'
import { nodePods } from '../kubelet/node-pods.ts'
import { LeafEvents } from '../leaf-events/mirror.ts'
import { LeafNamespaces } from '../namespaces/controller.ts'
import { type NodeSettings, VirtualNodes } from '../nodes/virtual-nodes.ts'
import { PodController } from '../pods/controller.ts'
import { isCopyOf } from '../pods/decide.ts'
import { notEvicted } from '../pods/events.ts'
import { PodNeeds } from '../pods/needs/needs.ts'
import { evict } from '../pods/removal/evict.ts'
import { Orphans } from '../pods/removal/orphans.ts'
import { inWordsOf } from '../pods/status/root-names.ts'
import { PodsOnNodes } from '../root/pods-on-nodes.ts'
import { namesOfClaim } from '../volumes/claim.ts'
import { PodCredentials } from './credentials.ts'
import type { Beat } from './heartbeat.ts'
import { WatchRefusals } from './refusals.ts'
import { SameLeaf } from './same-leaf.ts'
import type { LeafScope } from './scope.ts'
import { LeafServices } from './services.ts'
import { type LeafSource, type LeafSources, storageSources, watchLeaf } from './sources.ts'
import { LeafStorage } from './storage.ts'
import type { TreeOptions } from './tree-options.ts'

/** Everything that runs for a leaf which may be used: its watches, its virtual nodes, its pods and their configuration. */
export class LeafTree {
  readonly virtualNodes: VirtualNodes
  readonly #options: TreeOptions
  readonly #sources: LeafSources
  readonly #rootPods: PodsOnNodes
  readonly #pods: PodController
  readonly #events: readonly LeafEvents[]
  readonly #credentials: PodCredentials
  readonly #services: LeafServices
  readonly #storage: LeafStorage
  readonly #copies: ConfigurationCopies
  readonly #abandoned: AbandonedObjects
  readonly #namespaces: LeafNamespaces
  readonly #refusals = new WatchRefusals()
  readonly #sameLeaf: SameLeaf
  readonly #stop = new AbortController()
  #isAnswering = true

  constructor(options: TreeOptions) {
    this.#options = options
    const { root, leaf, cluster, identity } = options
    const clusterName = cluster.metadata.name
    const { clusterId: rootClusterId } = root
    this.#sameLeaf = new SameLeaf({
      leaf,
      leafId: identity.id,
      onSame: () => this.#pods.resume(),
      onOther: () => {
        this.#stop.abort()
        options.onReplaced()
      },
    })
    // What is not there in another cluster must not be made there, nor count as gone.
    const surely = new Client(leaf.connection, leaf.fieldManager, { beforeRequest: () => this.#sameLeaf.answered })
    const doubt = () => void this.#sameLeaf.ask(this.#stop.signal)
    this.#sources = watchLeaf(leaf, rootClusterId, (source, state) => this.#onState(source, state), doubt)
    this.#rootPods = new PodsOnNodes(root.boundPods)
    const { pods: leafPods, nodes, foreignPods } = this.#sources
    const rootPods = this.#rootPods
    const onReconcile = (observation: ReconcileObservation) => {
      options.metrics.reconcile(clusterName, observation)
      const { controller, key, error } = observation
      if (error)
        options.log('warn', 'reconcile.failed', { cluster: clusterName, controller, key, reason: error.message })
    }
    this.virtualNodes = new VirtualNodes({
      clusterName,
      leafId: identity.id,
      version: identity.version,
      root: root.client,
      rootNodes: root.virtualNodes,
      leafNodes: nodes,
      foreignPods,
      leafPods,
      serveKubelet: (nodeName, listening) => this.#serveKubelet(nodeName, listening),
      onServed: (nodeName, isServed) => (isServed ? rootPods.add(nodeName) : rootPods.remove(nodeName)),
      drain: (nodeName) => this.#drain(nodeName),
      hasPods: (nodeName) => !root.boundPods.on(nodeName)[Symbol.iterator]().next().done,
      onRetiring: options.onRetiring,
      changed: options.changed,
      onLeaseFailed: ({ message }) =>
        options.log('warn', 'leaf.lease.failed', { cluster: clusterName, reason: message }),
      onReconcile,
    })

    this.#namespaces = new LeafNamespaces({
      root: root.client,
      leaf: surely,
      rootClusterId,
      rootNamespaces: root.namespaces,
      leafNamespaces: this.#sources.namespaces,
      onKept: (namespace, why) =>
        options.log('info', 'namespace.kept', { cluster: clusterName, namespace, reason: why }),
      onReconcile,
    })
    const scope: LeafScope = {
      root: root.client,
      leaf: surely,
      clusterName,
      rootClusterId,
      rootPods,
      leafPods,
      namespaces: this.#namespaces,
      events: root.events,
      wake: (pod) => this.#pods.controller.enqueue(pod),
      onReconcile,
    }
    const rootVersion = () => root.boundPods.informer.resourceVersion
    const orphans = new Orphans({
      leafPods: leafPods.store,
      rootVersion,
      isKnown: (key) => rootPods.get(key) !== undefined,
    })
    const registry = new ConfigurationRegistry()
    // Before the leaf's pods are known, no orphan is, and what it mounts would be collected.
    const registered = Promise.all([rootPods.synced, leafPods.synced]).then(() => {})
    const heldBack = (namespace: string) => orphans.areIn(namespace)
    this.#copies = new ConfigurationCopies({
      ...scope,
      rootSources: root.configuration,
      leafSources: this.#sources.configuration,
      registry,
      heldBack,
      registered,
    })
    this.#abandoned = new AbandonedObjects({ ...scope, leafSources: this.#sources.configuration })
    this.#services = new LeafServices(scope, root, this.#sources, (namespace) => this.#pods.look(namespace))
    this.#storage = new LeafStorage(scope, {
      ...options,
      sources: this.#sources,
      registered,
      heldBack,
      membersOf: (nodeName) => this.virtualNodes.membersOf(nodeName),
    })
    this.#credentials = new PodCredentials(scope, root, this.#sources)
    const { trust, certificates, tokens } = this.#credentials
    this.#pods = new PodController({
      ...scope,
      apiServer: options.apiServer,
      leafApi: options.leafApi,
      priorityClasses: options.priorityClasses,
      tokens,
      needs: new PodNeeds({
        clusterName,
        registry,
        copies: this.#copies,
        claims: this.#storage.claims,
        volumes: this.#storage.volumes,
        services: this.#services.copies,
        trust,
        certificates,
      }),
      context: {
        rootClusterId,
        clusterName,
        trustBundles: root.trustBundles !== undefined,
        podCertificates: root.certificateRequests !== undefined,
      },
      homeOf: (nodeName) => this.virtualNodes.homeOf(nodeName),
      rootResourcesOf: (nodeName) => this.virtualNodes.rootResourcesOf(nodeName),
      taintsOf: (nodeName) => root.virtualNodes.get(nodeName)?.spec?.taints ?? [],
      rootVersion,
      onOrphan: (key) => root.events.record(cluster, orphanKept(key)),
      recreate: () => options.disruption() === 'Recreate',
      globalCIDRs: options.globalCIDRs,
      isCurrent: () =>
        this.#isAnswering &&
        !this.#sameLeaf.isDoubted &&
        root.boundPods.isFollowing &&
        this.#sources.pods.state.kind === 'following',
    })
    const onState = (state: ReflectorState) => this.#onState('events', state)
    const onRefused = (reason: string) => options.log('warn', 'event.refused', { cluster: clusterName, reason })
    const events = { root: root.client, leaf, clusterName, onState, onRefused }
    this.#events = [
      new LeafEvents({
        ...events,
        kind: 'Pod',
        rootObjectOf: (namespace, name, leafUid) => {
          const key = `${namespace}/${name}`
          const copy = leafPods.get(key)
          const pod = rootPods.get(key)
          return copy?.metadata.uid === leafUid && pod && isCopyOf(copy, pod) ? pod : undefined
        },
        words: (about, said) => inWordsOf(about as Pod, said, rootClusterId),
      }),
      new LeafEvents({
        ...events,
        kind: 'PersistentVolumeClaim',
        rootObjectOf: (namespace, name, leafUid) => {
          const copy = this.#sources.claims.get(`${namespace}/${name}`)
          return copy?.metadata.uid === leafUid ? this.#storage.volumes.rootClaimOf(copy) : undefined
        },
        words: (about, said) => inRootsWords(said, namesOfClaim(about as PersistentVolumeClaim), rootClusterId),
      }),
    ]
  }

  /** Takes up other models; undefined when they cannot be used. Pods that still have a home do not notice. */
  takeUp(models: readonly VirtualNodeModel[] | undefined, settings: NodeSettings): void {
    this.virtualNodes.apply(models, settings)
    // What its virtual nodes have room for is that of their leaf nodes, which may be others.
    this.#storage.resumeCapacities()
    // Pods of a node that was without a model, or is now, have to hear of it.
    this.#pods.resume()
  }

  /** Takes up that others know the leaf's networks by other addresses now. */
  addressesChanged(): void {
    this.#pods.resume()
  }

  /** Takes up that the Cluster calls StorageClasses otherwise now. */
  classesRenamed(): void {
    this.#storage.classesRenamed()
  }

  /** Takes up that the Cluster calls VolumeAttributesClasses otherwise now. */
  attributesClassesRenamed(): void {
    this.#storage.volumes.attributesClassesRenamed()
  }

  /** Takes up that the Cluster says of other StorageClasses now that the leaf reaches their volumes. */
  classesShared(): void {
    this.#storage.classesShared()
  }

  /** Runs until the signal aborts, or another cluster answers in the place of the leaf, and everything has ended. */
  async run(stopped: AbortSignal): Promise<void> {
    const end = () => this.#stop.abort()
    if (stopped.aborted) end()
    stopped.addEventListener('abort', end, { once: true })
    const { signal } = this.#stop
    const forget = this.#options.root.boundPods.onRecovery(() => this.#pods.resume())
    await Promise.all([
      this.#sources.run(signal),
      this.virtualNodes.run(signal),
      this.#namespaces.controller.run(signal),
      this.#copies.controller.run(signal),
      this.#abandoned.controller.run(signal),
      this.#credentials.run(signal),
      this.#services.run(signal),
      this.#storage.run(signal),
      this.#pods.controller.run(signal),
      ...this.#events.map((events) => events.run(signal)),
    ])
    forget()
    stopped.removeEventListener('abort', end)
  }

  /**
   * While the leaf does not answer, its watches may go on seeming alive (it is frozen, or no longer knows us). What the
   * root concludes of pods on a node that is not Ready must not be overwritten then with what was last seen.
   */
  onBeat(beat: Beat): void {
    const recovered = beat.kind === 'ready' && !this.#isAnswering
    this.#isAnswering = beat.kind === 'ready'
    if (recovered) this.#pods.resume()
    // Leases of hundreds of nodes take a while, and the next heartbeat must not wait for them.
    void this.virtualNodes.onBeat(beat)
  }

  /** See {@link WatchRefusals}. */
  get forbidden(): string | undefined {
    return this.#refusals.forbidden
  }

  get withheld(): string | undefined {
    return this.#refusals.withheld
  }

  /** Objects of ours in the leaf; undefined while that is not known. */
  objectsLeft(): number | undefined {
    if (this.#sameLeaf.isDoubted) return undefined
    const { pods, configuration, services } = this.#sources
    // An account that may not watch Services has copied none.
    const copied = this.#refusals.refuses('services') ? [] : [services]
    const informers = [pods, configuration.configmaps, configuration.secrets, ...copied]
    if (!informers.every(({ hasSynced, state }) => hasSynced && state.kind === 'following')) return undefined
    return informers.reduce((sum, { store }) => sum + store.size, this.#storage.left)
  }

  /** Whether no copy is left of a root pod that is gone; false while that cannot be told. */
  get isSettled(): boolean {
    const { pods } = this.#sources
    if (!this.#isAnswering || this.#sameLeaf.isDoubted || !pods.hasSynced || pods.state.kind !== 'following')
      return false
    for (const copy of pods.store.values()) {
      const pod = this.#rootPods.get(keyOf(copy))
      if (!pod || !isCopyOf(copy, pod)) return false
    }
    return true
  }

  async #drain(nodeName: string) {
    const { root } = this.#options
    const { left, heldBack } = await evict(root.client, root.boundPods.on(nodeName))
    for (const { pod, said } of heldBack) root.events.record(pod, notEvicted(nodeName, said))
    const [first] = heldBack
    return { isEmpty: left === 0, heldBack: first && `pod ${keyOf(first.pod)}: ${first.said}` }
  }

  #serveKubelet(nodeName: string, listening: () => void) {
    const { root, leaf, kubelets, identity } = this.#options
    const { connection } = leaf
    const { pods: leafPods } = this.#sources
    const rootPods = {
      get: (key: string) => this.#rootPods.get(key),
      list: () => root.boundPods.on(nodeName),
    }
    const members = { list: () => this.virtualNodes.membersOf(nodeName) }
    return kubelets.serve(
      {
        nodeName,
        version: identity.version,
        pods: nodePods({ nodeName, rootPods, leafPods, connection }),
        leafNodes: leafNodes({ connection, members, rootPods, leafPods }),
      },
      listening,
    )
  }

  #onState(source: LeafSource, state: ReflectorState): void {
    const before = [this.forbidden, this.withheld]
    const recovered = this.#refusals.note(source, state)
    if (recovered) void this.#sameLeaf.ask(this.#stop.signal)
    if (recovered && (storageSources as readonly LeafSource[]).includes(source)) this.#storage.resumeCapacities()
    if (before[0] !== this.forbidden || before[1] !== this.withheld) this.#options.changed()
  }
}
