import type { ClusterTreeOptions, VirtualNodeModel } from '@kosmos/api'
import { ApiError, type Client, keyOf, type ReconcileObservation, type ReflectorState } from '@kosmos/kube'
import { LeafCapacities } from '../capacities/controller.ts'
import { PodCertificates } from '../certificates/controller.ts'
import { CertificateRequests } from '../certificates/requests.ts'
import { orphanKept } from '../clusters/events.ts'
import { ConfigurationCopies } from '../configuration/controller.ts'
import { ConfigurationRegistry } from '../configuration/registry.ts'
import { sameAddress } from '../endpoints/address-translator.ts'
import { EndpointCopies } from '../endpoints/controller.ts'
import { leafNodes } from '../kubelet/leaf-nodes.ts'
import { nodePods } from '../kubelet/node-pods.ts'
import { LeafEvents } from '../leaf-events/mirror.ts'
import { Neighbours } from '../links/neighbours.ts'
import { LeafNamespaces } from '../namespaces/controller.ts'
import { type NodeSettings, VirtualNodes } from '../nodes/virtual-nodes.ts'
import { PodController } from '../pods/controller.ts'
import { isCopyOf } from '../pods/decide.ts'
import { evict } from '../pods/evict.ts'
import { PodNeeds } from '../pods/needs.ts'
import { Orphans } from '../pods/orphans.ts'
import type { ApiServerAddress } from '../pods/translation.ts'
import { PodsOnNodes } from '../root/pods-on-nodes.ts'
import { ServiceCopies } from '../services/controller.ts'
import { RootAuthority } from '../tokens/authority.ts'
import { PodTokens } from '../tokens/controller.ts'
import { TokenIssuer } from '../tokens/issuer.ts'
import { PodTrust } from '../trust/controller.ts'
import type { ClassNames } from '../volumes/claim.ts'
import { LeafVolumes } from '../volumes/controller.ts'
import type { Beat } from './heartbeat.ts'
import type { LeafIdentity } from './identity.ts'
import type { LeafOptions } from './options.ts'
import { type LeafSource, type LeafSources, storageSources, watchLeaf } from './sources.ts'

export type TreeOptions = LeafOptions & {
  readonly leaf: Client
  readonly identity: LeafIdentity
  /** Where the Cluster says now that pods reach the root's API server. */
  readonly apiServer: () => ApiServerAddress | undefined
  /** Whether the Cluster says now that pods may talk to the leaf's API server instead. */
  readonly leafApi: () => boolean
  /** How the Cluster says now that the root's StorageClasses are called in the leaf. */
  readonly classNames: () => ClassNames
  /** What the Cluster says now of pods that the leaf ends. */
  readonly disruption: () => ClusterTreeOptions['leafDisruption']
  /** By which addresses ClusterLink makes the leaf's networks known to others now. */
  readonly globalCIDRs: () => Readonly<Record<string, string>>
  /** A virtual node has no model any more. */
  readonly onRetiring: (nodeName: string) => void
}

/** Watches without which pods run all the same. */
const DISPENSABLE: readonly LeafSource[] = [
  'events',
  'namespaces',
  'services',
  'endpointslices',
  'claims',
  ...storageSources,
]

/** Everything that runs for a leaf which may be used: its watches, its virtual nodes, its pods and their configuration. */
export class LeafTree {
  readonly virtualNodes: VirtualNodes
  readonly #options: TreeOptions
  readonly #sources: LeafSources
  readonly #rootPods: PodsOnNodes
  readonly #pods: PodController
  readonly #capacities: LeafCapacities
  readonly #events: readonly LeafEvents[]
  readonly #tokens: PodTokens
  readonly #trust: PodTrust
  readonly #certificates: PodCertificates
  readonly #services: ServiceCopies
  readonly #endpoints: EndpointCopies
  readonly #volumes: LeafVolumes
  readonly #copies: ConfigurationCopies
  readonly #namespaces: LeafNamespaces
  readonly #broken = new Map<LeafSource, Error>()
  #isAnswering = true

  constructor(options: TreeOptions) {
    this.#options = options
    const { root, leaf, cluster, identity } = options
    const clusterName = cluster.metadata.name
    const { clusterId: rootClusterId } = root
    this.#sources = watchLeaf(leaf, rootClusterId, (source, state) => this.#onState(source, state))
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
      drain: async (nodeName) => (await evict(root.client, root.boundPods.on(nodeName))) === 0,
      hasPods: (nodeName) => !root.boundPods.on(nodeName)[Symbol.iterator]().next().done,
      onRetiring: options.onRetiring,
      changed: options.changed,
      onLeaseFailed: ({ message }) =>
        options.log('warn', 'leaf.lease.failed', { cluster: clusterName, reason: message }),
      onReconcile,
    })

    this.#namespaces = new LeafNamespaces({
      root: root.client,
      leaf,
      rootClusterId,
      rootNamespaces: root.namespaces,
      leafNamespaces: this.#sources.namespaces,
      onKept: (namespace, why) =>
        options.log('info', 'namespace.kept', { cluster: clusterName, namespace, reason: why }),
    })
    const namespaces = this.#namespaces
    const rootVersion = () => root.boundPods.informer.resourceVersion
    const orphans = new Orphans({ leafPods, rootVersion, isKnown: (key) => rootPods.get(key) !== undefined })
    const registry = new ConfigurationRegistry()
    this.#copies = new ConfigurationCopies({
      root: root.client,
      leaf,
      rootClusterId,
      rootSources: root.configuration,
      leafSources: this.#sources.configuration,
      registry,
      heldBack: (namespace) => orphans.areIn(namespace),
      namespaces,
      // Before the leaf's pods are known, no orphan is, and what it mounts would be collected.
      registered: Promise.all([rootPods.synced, leafPods.synced]).then(() => {}),
      wake: (pod) => this.#pods.controller.enqueue(pod),
    })
    this.#services = new ServiceCopies({
      onReconcile,
      leaf,
      clusterName,
      rootClusterId,
      rootServices: root.services,
      leafServices: this.#sources.services,
      rootPods,
      leafPods,
      namespaces,
      events: root.events,
      settled: (namespace) => this.#pods.look(namespace),
    })
    this.#endpoints = new EndpointCopies({
      onReconcile,
      leaf,
      clusterName,
      rootClusterId,
      rootServices: root.services,
      leafServices: this.#sources.services,
      rootSlices: root.endpointSlices,
      leafSlices: this.#sources.endpointSlices,
      boundPods: root.boundPods.informer,
      rootPods,
      leafPods,
      namespaces,
      translateAddress: sameAddress,
      neighbours: new Neighbours({
        clusterName,
        clusters: root.clusters,
        virtualNodes: root.virtualNodes,
        slices: root.serviceSlices,
      }),
      events: root.events,
    })
    const claims = new ConfigurationRegistry()
    this.#volumes = new LeafVolumes({
      onReconcile,
      root: root.client,
      leaf,
      clusterName,
      rootClusterId,
      rootVolumes: root.volumes,
      leafClaims: this.#sources.claims,
      virtualNodes: root.virtualNodes,
      namespaces,
      registry: claims,
      classNames: options.classNames,
      nodeOf: (pod) => rootPods.get(pod)?.spec.nodeName,
      events: root.events,
      wake: (pod) => this.#pods.controller.enqueue(pod),
    })
    this.#capacities = new LeafCapacities({
      onReconcile,
      root: root.client,
      cluster: { name: clusterName, uid: cluster.metadata.uid },
      rootClasses: root.volumes.classes,
      rootCapacities: root.volumes.capacities,
      rootNodes: root.virtualNodes,
      leafNodes: nodes,
      leafStorage: this.#sources.storage,
      membersOf: (nodeName) => this.virtualNodes.membersOf(nodeName),
      classNames: options.classNames,
    })
    this.#tokens = new PodTokens({
      onReconcile,
      leaf,
      rootClusterId,
      rootPods,
      leafPods,
      leafSecrets: this.#sources.configuration.secrets,
      issuer: new TokenIssuer(root.client),
      authority: new RootAuthority(root.client, root.configuration.configmaps),
      events: root.events,
    })
    this.#trust = new PodTrust({
      onReconcile,
      leaf,
      rootClusterId,
      bundles: root.trustBundles,
      rootPods,
      leafPods,
      leafConfigMaps: this.#sources.configuration.configmaps,
      events: root.events,
      wake: (pod) => this.#pods.controller.enqueue(pod),
    })
    this.#certificates = new PodCertificates({
      onReconcile,
      leaf,
      clusterName,
      rootClusterId,
      requests: root.certificateRequests,
      signers: new CertificateRequests(root.client, (node) => root.virtualNodes.get(node)?.metadata.uid),
      rootPods,
      leafPods,
      leafSecrets: this.#sources.configuration.secrets,
      events: root.events,
      wake: (pod) => this.#pods.controller.enqueue(pod),
    })
    this.#pods = new PodController({
      apiServer: options.apiServer,
      leafApi: options.leafApi,
      tokens: this.#tokens,
      needs: new PodNeeds({
        clusterName,
        registry,
        copies: this.#copies,
        claims,
        volumes: this.#volumes,
        services: this.#services,
        trust: this.#trust,
        certificates: this.#certificates,
      }),
      context: {
        rootClusterId,
        clusterName,
        trustBundles: root.trustBundles !== undefined,
        podCertificates: root.certificateRequests !== undefined,
      },
      homeOf: (nodeName) => this.virtualNodes.homeOf(nodeName),
      taintsOf: (nodeName) => root.virtualNodes.get(nodeName)?.spec?.taints ?? [],
      rootVersion,
      onOrphan: (key) => root.events.record(cluster, orphanKept(key)),
      root: root.client,
      leaf,
      rootPods,
      leafPods,
      namespaces,
      events: root.events,
      recreate: () => options.disruption() === 'Recreate',
      globalCIDRs: options.globalCIDRs,
      isCurrent: () => this.#isAnswering && root.boundPods.isFollowing && this.#sources.pods.state.kind === 'following',
      onReconcile,
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
      }),
      new LeafEvents({
        ...events,
        kind: 'PersistentVolumeClaim',
        rootObjectOf: (namespace, name, leafUid) => {
          const copy = this.#sources.claims.get(`${namespace}/${name}`)
          return copy?.metadata.uid === leafUid ? this.#volumes.rootClaimOf(copy) : undefined
        },
      }),
    ]
  }

  /** Takes up other models; undefined when they cannot be used. Pods that still have a home do not notice. */
  takeUp(models: readonly VirtualNodeModel[] | undefined, settings: NodeSettings): void {
    this.virtualNodes.apply(models, settings)
    // Pods of a node that was without a model, or is now, have to hear of it.
    this.#pods.resume()
  }

  /** Takes up that others know the leaf's networks by other addresses now. */
  addressesChanged(): void {
    this.#pods.resume()
  }

  /** Takes up that the Cluster calls StorageClasses otherwise now. */
  classesRenamed(): void {
    this.#capacities.resume()
  }

  /** Runs until the signal aborts and everything has ended. */
  async run(signal: AbortSignal): Promise<void> {
    const forget = this.#options.root.boundPods.onRecovery(() => this.#pods.resume())
    await Promise.all([
      this.#sources.run(signal),
      this.virtualNodes.run(signal),
      this.#namespaces.controller.run(signal),
      this.#copies.controller.run(signal),
      this.#tokens.controller.run(signal),
      this.#trust.controller.run(signal),
      this.#certificates.controller.run(signal),
      this.#services.controller.run(signal),
      this.#endpoints.run(signal),
      this.#volumes.controller.run(signal),
      this.#capacities.controller.run(signal),
      this.#pods.controller.run(signal),
      ...this.#events.map((events) => events.run(signal)),
    ])
    forget()
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

  /** What the leaf says when it does not let us watch something that pods depend on (401 or 403). */
  get forbidden(): string | undefined {
    return this.#forbidden((source) => !DISPENSABLE.includes(source))
  }

  /** What it says of something without which pods run all the same. */
  get withheld(): string | undefined {
    return this.#forbidden((source) => DISPENSABLE.includes(source))
  }

  #forbidden(isMeant: (source: LeafSource) => boolean): string | undefined {
    for (const [source, error] of this.#broken) {
      if (isMeant(source) && error instanceof ApiError && (error.code === 401 || error.code === 403))
        return error.message
    }
    return undefined
  }

  /** Objects of ours in the leaf; undefined while that is not known. */
  objectsLeft(): number | undefined {
    const { pods, configuration, services } = this.#sources
    // An account that may not watch Services has copied none.
    const isWithheld = this.#forbidden((source) => source === 'services') !== undefined
    const informers = [pods, configuration.configmaps, configuration.secrets, ...(isWithheld ? [] : [services])]
    if (!informers.every(({ hasSynced, state }) => hasSynced && state.kind === 'following')) return undefined
    return informers.reduce((sum, { store }) => sum + store.size, 0)
  }

  /** Whether no copy is left of a root pod that is gone; false while that cannot be told. */
  get isSettled(): boolean {
    const { pods } = this.#sources
    if (!this.#isAnswering || !pods.hasSynced || pods.state.kind !== 'following') return false
    for (const copy of pods.store.values()) {
      const pod = this.#rootPods.get(keyOf(copy))
      if (!pod || !isCopyOf(copy, pod)) return false
    }
    return true
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
    if (state.kind === 'broken') this.#broken.set(source, state.error)
    const recovered = state.kind === 'following' && this.#broken.delete(source)
    if (recovered && source === 'pods') this.#pods.resume()
    if (recovered && (storageSources as readonly LeafSource[]).includes(source)) this.#capacities.resume()
    if (before[0] !== this.forbidden || before[1] !== this.withheld) this.#options.changed()
  }
}
