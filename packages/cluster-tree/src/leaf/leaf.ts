import { type ClusterConditionReason, leafModelKind } from '@kosmos/api'
import { ApiError, Client, Connection, createTransport, loadKubeConfig } from '@kosmos/kube'
import { credentialsRef } from '../clusters/credentials.ts'
import { leafRefused, leafStarted } from '../clusters/events.ts'
import { renewToken } from '../clusters/renewal.ts'
import type { LeafReport } from '../clusters/report.ts'
import type { StoredCluster } from '../clusters/resource.ts'
import { type Beat, runHeartbeat } from './heartbeat.ts'
import { identify, type LeafRefusal, refusalOf } from './identity.ts'
import type { LeafOptions } from './options.ts'
import { LeafTree } from './tree.ts'

/**
 * One leaf cluster while its credentials stay the same: its connection, its heartbeat and, once it is known to be a
 * leaf that may be used, its tree. Shares nothing with other leaves but the root's caches.
 */
export class Leaf {
  readonly name: string
  readonly #options: LeafOptions
  readonly #stop = new AbortController()
  readonly #ended: Promise<void>
  #connection: Connection | undefined
  #tree: LeafTree | undefined
  #treeEnded: Promise<void> | undefined
  #beat: Beat | undefined
  #version: string | undefined
  #refused: LeafRefusal | undefined
  #leaving = false

  constructor(options: LeafOptions) {
    this.#options = options
    this.name = options.cluster.metadata.name
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
      refused: this.#refused ?? this.#tree?.virtualNode.refused,
      virtualNodes: this.#tree ? [this.#tree.virtualNode.state()] : [],
    }
  }

  /** Takes no new pods from now on. */
  async leave(): Promise<void> {
    this.#leaving = true
    await this.#tree?.virtualNode.cordon()
  }

  /** How many objects of ours the leaf still has; undefined while it cannot be told. */
  objectsLeft(): number | undefined {
    return this.#beat?.kind === 'ready' ? this.#tree?.objectsLeft() : undefined
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#ended
    await this.#treeEnded
    await this.#connection?.close()
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
      const client = new Client(this.#connection, 'kosmos-cluster-tree')
      await runHeartbeat({ client, onBeat: (beat) => this.#onBeat(beat, client) }, signal)
    } catch (error) {
      this.#beat = { kind: 'unreachable', message: (error as Error).message }
      log('error', 'leaf.failed', { cluster: this.name, reason: (error as Error).message })
      this.#options.changed()
    }
  }

  async #onBeat(beat: Beat, client: Client): Promise<void> {
    const { metrics, log, changed } = this.#options
    const turned = beat.kind !== this.#beat?.kind
    this.#beat = beat
    metrics.leafReachable(this.name, beat.kind === 'ready')
    if (turned) log(beat.kind === 'ready' ? 'info' : 'warn', `leaf.${beat.kind}`, { cluster: this.name })
    try {
      if (beat.kind === 'ready' && !this.#tree) await this.#join(client)
      await this.#tree?.onBeat(beat)
      if (beat.kind === 'ready') await this.#renewToken(client)
    } catch (error) {
      if (error instanceof ApiError && (error.code === 401 || error.code === 403)) {
        this.#beat = { kind: 'refused', code: error.code, message: error.message }
      }
      log('warn', 'leaf.heartbeat.failed', { cluster: this.name, reason: (error as Error).message })
    }
    if (turned) changed()
  }

  async #renewToken(leaf: Client): Promise<void> {
    const { root, cluster, kubeconfig, log } = this.#options
    const ref = credentialsRef(cluster)
    const secret = ref && root.credentials.get(`${ref.namespace}/${ref.name}`)
    if (!secret) return
    const renewed = await renewToken({ root: root.client, leaf, secret, key: ref.key, kubeconfig })
    if (renewed) log('info', 'leaf.token.renewed', { cluster: this.name })
  }

  async #join(client: Client): Promise<void> {
    const { root, cluster, claim, changed, log } = this.#options
    const identity = await identify(client)
    this.#version = identity.version
    const before = this.#refused?.reason
    this.#refused = modelRefusal(cluster) ?? refusalOf(identity, root.clusterId, claim(identity.id))
    if (this.#refused) {
      const { reason, detail } = this.#refused
      if (reason !== before) root.events.record(cluster, leafRefused(reason, detail ?? reason))
    } else {
      log('info', 'leaf.joined', { cluster: this.name, version: identity.version })
      root.events.record(cluster, leafStarted(identity.version))
      this.#tree = new LeafTree({ ...this.#options, leaf: client, version: identity.version })
      this.#treeEnded = this.#tree.run(this.#stop.signal)
      if (this.#leaving) await this.#tree.virtualNode.cordon()
    }
    changed()
  }
}

function modelRefusal(cluster: StoredCluster): LeafRefusal | undefined {
  const models = cluster.spec.clusterTreeOptions?.leafModels ?? []
  const reason: ClusterConditionReason<'VirtualNodesReady'> = 'LeafModelNotSupported'
  return models.some((model) => leafModelKind(model) !== 'cluster') ? { reason } : undefined
}
