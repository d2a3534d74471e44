import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { type ClusterTreeOptions, globalCIDRsOf, leafModelOverlap, virtualNodeModels } from '@kosmos/api'
import {
  ApiError,
  Client,
  Connection,
  createTransport,
  credentialsRef,
  KubeConfigError,
  loadKubeConfig,
  type Node,
  renewToken,
  type StoredCluster,
} from '@kosmos/kube'
import { leafRefused, leafStarted, nodeRetired, tokenNotRenewed } from '../clusters/events.ts'
import type { LeafReport } from '../clusters/report.ts'
import { isNodeOf, leafIdOf } from '../nodes/ownership.ts'
import { apiServerAddress } from '../tokens/address.ts'
import { type Beat, runHeartbeat } from './heartbeat.ts'
import { identify, type LeafRefusal, refusalOf } from './identity.ts'
import { LeafLogin } from './login.ts'
import type { LeafOptions } from './options.ts'
import { LeafTree } from './tree.ts'

/** For what is in flight when a leaf stops; a leaf that does not answer must not hold its successor up. */
const STOP_MS = 2_000
/** Between attempts to renew a token that the leaf or the root did not allow. */
const RENEWAL_RETRY_MS = 60_000

/**
 * One leaf cluster while its server stays the same: its connection, its heartbeat and, once it is known to be a
 * leaf that may be used, its tree. Shares nothing with other leaves but the root's caches.
 */
export class Leaf {
  readonly name: string
  readonly #options: LeafOptions
  readonly #stop = new AbortController()
  readonly #ended: Promise<void>
  #connection: Connection | undefined
  #login: LeafLogin | undefined
  #tree: LeafTree | undefined
  #treeEnded: Promise<void> | undefined
  #beat: Beat | undefined
  #version: string | undefined
  #refused: LeafRefusal | undefined
  #unusable: string | undefined
  #renewAfter = 0
  #leaving = false
  #treeOptions: ClusterTreeOptions | undefined
  #globalCIDRs: Readonly<Record<string, string>>
  #overlap: LeafRefusal | undefined

  constructor(options: LeafOptions) {
    this.#options = options
    this.name = options.cluster.metadata.name
    this.#treeOptions = options.cluster.spec.clusterTreeOptions
    this.#globalCIDRs = globalCIDRsOf(options.cluster)
    this.#ended = this.#run(this.#stop.signal)
  }

  /** Undefined until the kubeconfig has been turned into a connection. */
  get connection(): Connection | undefined {
    return this.#connection
  }

  report(): LeafReport {
    return {
      beat: this.#beat,
      version: this.#version,
      // What a Cluster brought about is removed whatever its models have become.
      refused: this.#refused ?? (this.#leaving ? undefined : (this.#overlap ?? this.#tree?.virtualNodes.refused)),
      unusable: this.#unusable,
      heldBack: this.#leaving ? undefined : this.#tree?.virtualNodes.heldBack,
      forbidden: this.#tree?.forbidden,
      withheld: this.#tree?.withheld,
      declined: this.#login?.declined,
    }
  }

  /**
   * Goes on with these credentials, once they have been seen to work; undefined: with those in use. False if only another
   * leaf can use them: they are for another server, or nothing would be lost.
   */
  logInBy(kubeconfig: string | undefined): boolean {
    const login = this.#login
    if (kubeconfig === undefined) {
      login?.offer(undefined)
      return true
    }
    if (kubeconfig === this.#options.kubeconfig && !login) return true
    if (login?.knows(kubeconfig)) return true
    const isWell = this.#tree !== undefined && this.#beat?.kind !== 'refused' && this.#tree.forbidden === undefined
    if (!login || !isWell || !login.fits(kubeconfig)) return false
    login.offer(kubeconfig)
    return true
  }

  /** Takes no new pods from now on. */
  async leave(): Promise<void> {
    this.#leaving = true
    await this.#tree?.virtualNodes.leave()
  }

  /** Takes {@link leave} back. */
  stay(): void {
    this.#leaving = false
    this.#tree?.virtualNodes.stay()
  }

  /** Takes up what the Cluster says now. */
  setOptions(cluster: StoredCluster): void {
    const { clusterTreeOptions } = cluster.spec
    const before = this.#treeOptions
    this.#treeOptions = clusterTreeOptions
    const globalCIDRs = globalCIDRsOf(cluster)
    if (!isDeepStrictEqual(globalCIDRs, this.#globalCIDRs)) {
      this.#globalCIDRs = globalCIDRs
      this.#tree?.addressesChanged()
    }
    const isSame =
      isDeepStrictEqual(before?.leafModels, clusterTreeOptions?.leafModels) &&
      before?.nodeTaint === clusterTreeOptions?.nodeTaint &&
      before?.leafAPIAccess === clusterTreeOptions?.leafAPIAccess &&
      before?.placementPriority === clusterTreeOptions?.placementPriority &&
      isDeepStrictEqual(before?.reserved, clusterTreeOptions?.reserved)
    if (!isSame) this.#takeUpModels()
    if (!isDeepStrictEqual(before?.storageClasses, clusterTreeOptions?.storageClasses)) this.#tree?.classesRenamed()
    const [attributesBefore, attributes] = [before, clusterTreeOptions].map((one) => one?.volumeAttributesClasses)
    if (!isDeepStrictEqual(attributesBefore, attributes)) this.#tree?.attributesClassesRenamed()
    const [sharedBefore, shared] = [before?.sharedStorageClasses, clusterTreeOptions?.sharedStorageClasses]
    if (!isDeepStrictEqual(sharedBefore, shared)) this.#tree?.classesShared()
  }

  /** How many objects of ours the leaf still has; undefined while it cannot be told. */
  objectsLeft(): number | undefined {
    return this.#beat?.kind === 'ready' ? this.#tree?.objectsLeft() : undefined
  }

  /** Whether the leaf answers and has no copy of a root pod that is gone. */
  get isSettled(): boolean {
    return this.#tree?.isSettled ?? false
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    const ended = this.#ended.then(() => this.#treeEnded)
    await Promise.race([ended, sleep(STOP_MS, undefined, { ref: false })])
    await this.#connection?.close()
    await ended
    this.#options.release()
    this.#options.metrics.forgetLeaf(this.name)
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { kubeconfig, metrics, log } = this.#options
    try {
      const transport = await createTransport(loadKubeConfig({ text: kubeconfig, selfContained: true }))
      this.#connection = new Connection(this.name, transport, {
        onRequest: (observation) => metrics.request(this.name, observation),
      })
      this.#login = this.#loginOf(this.#connection)
      const client = new Client(this.#connection, 'kosmos-cluster-tree')
      await runHeartbeat({ client, onBeat: (beat) => this.#onBeat(beat, client) }, signal)
    } catch (error) {
      if (error instanceof KubeConfigError) this.#unusable = error.message
      else this.#beat = { kind: 'unreachable', message: (error as Error).message }
      log('error', 'leaf.failed', { cluster: this.name, reason: (error as Error).message })
      this.#options.changed()
    }
  }

  #loginOf(connection: Connection): LeafLogin {
    const { kubeconfig, log, changed } = this.#options
    const fields = { cluster: this.name }
    return new LeafLogin({
      connection,
      kubeconfig,
      onTaken: () => {
        log('info', 'leaf.credentials.taken', fields)
        changed()
      },
      onDeclined: ({ message }) => {
        log('warn', 'leaf.credentials.declined', { ...fields, reason: message })
        changed()
      },
    })
  }

  async #onBeat(beat: Beat, client: Client): Promise<void> {
    const { metrics, log, changed } = this.#options
    const turned = beat.kind !== this.#beat?.kind
    this.#beat = beat
    metrics.leafReachable(this.name, beat.kind === 'ready')
    if (turned) log(beat.kind === 'ready' ? 'info' : 'warn', `leaf.${beat.kind}`, { cluster: this.name })
    if (beat.kind === 'ready' && !this.#tree) await this.#tryToJoin(client)
    this.#tree?.onBeat(beat)
    this.#login?.tryOffered()
    if (beat.kind === 'ready') await this.#renewToken(client)
    if (turned) changed()
  }

  async #renewToken(leaf: Client): Promise<void> {
    const { root, cluster, log } = this.#options
    const login = this.#login
    if (!login?.isRenewalDue(Date.now()) || Date.now() < this.#renewAfter) return
    const { kubeconfig } = login
    const ref = credentialsRef(cluster)
    const secret = ref && root.credentials.get(`${ref.namespace}/${ref.name}`)
    if (!secret) return
    try {
      const renewed = await renewToken({ root: root.client, leaf, secret, key: ref.key, kubeconfig })
      if (renewed) log('info', 'leaf.token.renewed', { cluster: this.name })
    } catch (error) {
      const { message } = error as Error
      this.#renewAfter = Date.now() + RENEWAL_RETRY_MS
      log('warn', 'leaf.token.not-renewed', { cluster: this.name, reason: message })
      root.events.record(cluster, tokenNotRenewed(message))
    }
  }

  async #tryToJoin(client: Client): Promise<void> {
    try {
      await this.#join(client)
    } catch (error) {
      const { message } = error as Error
      // What is needed first is not allowed, although the leaf answers whoever asks whether it is ready.
      if (error instanceof ApiError && (error.code === 401 || error.code === 403)) {
        this.#beat = { kind: 'refused', code: error.code, message }
        this.#options.changed()
      }
      this.#options.log('warn', 'leaf.join.failed', { cluster: this.name, reason: message })
    }
  }

  async #join(client: Client): Promise<void> {
    const { root, cluster, claim, changed, log } = this.#options
    const identity = await identify(client)
    this.#version = identity.version
    const before = this.#refused?.reason
    const node = this.#virtualNode()
    const knownAs = node && leafIdOf(node)
    const replaced = knownAs !== undefined && knownAs !== identity.id
    const claimedBy = replaced ? undefined : claim(identity.id)
    this.#refused = refusalOf(identity, { rootClusterId: root.clusterId, claimedBy, knownAs })
    if (this.#refused && this.#refused.reason !== before) {
      const { reason, detail } = this.#refused
      root.events.record(cluster, leafRefused(reason, detail ?? reason))
    }
    if (!this.#refused) {
      log('info', 'leaf.joined', { cluster: this.name, version: identity.version })
      root.events.record(cluster, leafStarted(identity.version))
      const onRetiring = (nodeName: string) => root.events.record(cluster, nodeRetired(nodeName))
      const onReplaced = () => log('warn', 'leaf.replaced', { cluster: this.name })
      const disruption = () => this.#treeOptions?.leafDisruption ?? 'Fail'
      const apiServer = () => apiServerAddress(this.#treeOptions?.rootAPIServer)
      const classNames = () => this.#treeOptions?.storageClasses ?? {}
      const attributesClassNames = () => this.#treeOptions?.volumeAttributesClasses ?? {}
      const sharedClasses = () => this.#treeOptions?.sharedStorageClasses ?? []
      const leafApi = () => this.#treeOptions?.leafAPIAccess === 'Allowed'
      const globalCIDRs = () => this.#globalCIDRs
      const priorityClasses = () => this.#treeOptions?.priorityClasses ?? {}
      const classes = { priorityClasses, classNames, attributesClassNames, sharedClasses }
      const now = { apiServer, leafApi, ...classes, disruption, globalCIDRs }
      const tree = new LeafTree({ ...this.#options, ...now, leaf: client, identity, onRetiring, onReplaced })
      this.#tree = tree
      this.#takeUpModels()
      // Whose place another cluster has taken ends; the next heartbeat finds out who answers now.
      this.#treeEnded = tree.run(this.#stop.signal).then(() => {
        if (this.#tree === tree) this.#tree = undefined
      })
      // Asks the root, which may not answer: the tree goes on with it.
      if (this.#leaving) await this.#tree.virtualNodes.leave()
    }
    changed()
  }

  /** Models that contradict each other are not taken up; the virtual nodes that are there go on, and so do their pods. */
  #takeUpModels(): void {
    const { leafModels = [], nodeTaint: taint, reserved, placementPriority: priority } = this.#treeOptions ?? {}
    const detail = leafModelOverlap(leafModels)
    const before = this.#overlap?.detail
    this.#overlap = detail === undefined ? undefined : { reason: 'LeafModelsOverlap', detail }
    const { root, cluster, changed } = this.#options
    if (detail !== undefined && detail !== before) root.events.record(cluster, leafRefused('LeafModelsOverlap', detail))
    const models = this.#overlap ? undefined : virtualNodeModels(this.name, leafModels)
    this.#tree?.takeUp(models, { taint, reserved, priority })
    changed()
  }

  #virtualNode(): Node | undefined {
    return [...this.#options.root.virtualNodes.store.values()].find((node) => isNodeOf(node, this.name))
  }
}
