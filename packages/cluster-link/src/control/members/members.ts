import { linkFinalizer } from '@kosmos/api'
import {
  type Client,
  Controller,
  type ControllerOptions,
  clusters,
  credentialsRef,
  type KubeObject,
  type Requeue,
  readCredentials,
  renewToken,
  type StoredCluster,
} from '@kosmos/kube'
import type { Log, ProcessMetrics } from '@kosmos/kube/process'
import type { ServiceSharing } from '../../services/sharing.ts'
import type { LinkState } from '../link-state.ts'
import { needsCredentials, takesPart } from '../plans/link-network.ts'
import { clusterNodes, nodeConfigs } from '../resources.ts'
import { connectMember, Member } from './member.ts'
import { Patience } from './patience.ts'

export interface MembersOptions {
  readonly state: LinkState
  readonly log: Log
  readonly metrics: ProcessMetrics
  /** What a cluster is, or what we know of it, has changed. */
  readonly changed: (cluster: string) => void
  /** An agent of a cluster is heard of that was not. */
  readonly heard: (cluster: string) => void
  readonly services: Pick<ServiceSharing, 'serve' | 'isClean'>
  readonly onReconcile?: ControllerOptions<string>['onReconcile']
}

/** Between looks at what agents still have. */
const LEAVING_MS = 500
/** How long those are waited for who may never answer: agents, and a cluster that does not let us see Services. */
const PATIENCE_MS = 30_000

/** Keeps a connection with every Cluster that takes part, and takes away everything of ours when it does no longer. */
export class MembersController {
  readonly controller: Controller
  readonly #options: MembersOptions
  readonly #causes = new Map<string, string>()
  readonly #patience = new Patience(PATIENCE_MS)

  constructor(options: MembersOptions) {
    this.#options = options
    const { state, onReconcile } = options
    this.controller = new Controller({
      name: 'link-members',
      concurrency: 8,
      reconcile: (name) => this.#reconcile(name),
      ...(onReconcile && { onReconcile }),
    })
    this.controller.watch(state.clusters, ({ key }) => [key])
    this.controller.watch(state.credentials, ({ object }) => this.#usersOf(object.metadata.name))
  }

  async run(signal: AbortSignal): Promise<void> {
    await this.controller.run(signal)
    await Promise.all([...this.#options.state.members.keys()].map((name) => this.#stop(name)))
  }

  *#usersOf(secret: string): Iterable<string> {
    for (const cluster of this.#options.state.clusters.store.values()) {
      if (credentialsRef(cluster)?.name === secret) yield cluster.metadata.name
    }
  }

  async #reconcile(name: string): Promise<Requeue> {
    const cluster = this.#options.state.clusters.get(name)
    if (cluster === undefined) {
      this.#patience.forget(name)
      await this.#stop(name)
      return
    }
    const { finalizers = [] } = cluster.metadata
    if (takesPart(cluster)) {
      this.#patience.forget(name)
      if (!finalizers.includes(linkFinalizer)) await this.#setFinalizers(cluster, [...finalizers, linkFinalizer])
      await this.#ensureMember(cluster)
      return
    }
    if (finalizers.includes(linkFinalizer)) return await this.#leave(cluster)
    await this.#stop(name)
    return
  }

  /** One connection per Cluster, anew when its credentials change. */
  async #ensureMember(cluster: StoredCluster): Promise<Member | undefined> {
    const { state, log, metrics, changed, heard, services } = this.#options
    const { name, uid } = cluster.metadata
    const credentials = readCredentials(cluster, (namespace, secret) => state.credentials.get(`${namespace}/${secret}`))
    const isRoot = !needsCredentials(cluster)
    const kubeconfig = isRoot ? '' : credentials.ok ? credentials.kubeconfig : undefined
    const cause = kubeconfig === undefined ? undefined : JSON.stringify([uid, kubeconfig])
    const running = state.members.get(name)
    if (running !== undefined && this.#causes.get(name) === cause) return running
    await this.#stop(name)
    if (kubeconfig === undefined || cause === undefined) {
      changed(name)
      return undefined
    }
    const renew = (leaf: Client) => this.#renewToken(name, leaf, kubeconfig)
    const connect = async (): Promise<Client> => (isRoot ? state.root : connectMember(name, kubeconfig, metrics))
    const member = new Member({
      name,
      root: () => state.rootId,
      connect,
      ...(isRoot ? {} : { renew }),
      serve: (client, signal) => services.serve(name, client, signal),
      log,
      changed: () => changed(name),
      heard: () => heard(name),
    })
    state.members.set(name, member)
    this.#causes.set(name, cause)
    return member
  }

  /** Agents whose NodeConfig goes take away what they have; the root forgets the nodes, the others their routes. */
  async #leave(cluster: StoredCluster): Promise<Requeue> {
    const { state } = this.#options
    const { name, finalizers = [] } = cluster.metadata
    const member = await this.#ensureMember(cluster)
    const nodes = state.nodesOf(name)
    if (member?.state.kind === 'ready' && member.client) {
      const haveServicesGone = this.#haveServicesGone(name)
      const haveNodesGone = await this.#giveUpNodes(name, member, member.client)
      if (!haveServicesGone || !haveNodesGone) return { afterMs: LEAVING_MS }
    } else if (nodes.length > 0 && member !== undefined && member.state.kind !== 'kindMissing') {
      return { afterMs: LEAVING_MS }
    }
    for (const { metadata } of nodes) {
      await state.root.delete(clusterNodes, { name: metadata.name }, { uid: metadata.uid })
    }
    this.#patience.forget(name)
    await this.#stop(name)
    await this.#setFinalizers(
      cluster,
      finalizers.filter((finalizer) => finalizer !== linkFinalizer),
    )
    return
  }

  /** The token by which a cluster is reached; where there are virtual nodes, who serves them does the same. */
  async #renewToken(name: string, leaf: Client, kubeconfig: string): Promise<void> {
    const { state, log } = this.#options
    const ref = credentialsRef(state.clusters.get(name) ?? { spec: {} as StoredCluster['spec'] })
    const secret = ref && state.credentials.get(`${ref.namespace}/${ref.name}`)
    if (!secret) return
    try {
      const renewed = await renewToken({ root: state.root, leaf, secret, key: ref.key, kubeconfig })
      if (renewed) log('info', 'link.token.renewed', { cluster: name })
    } catch (error) {
      log('warn', 'link.token.not-renewed', { cluster: name, reason: (error as Error).message })
    }
  }

  /**
   * Empties the NodeConfigs of a cluster, and deletes them when their agents have taken away what was in them: after that
   * nobody may be there to do it. @returns whether none is left
   */
  async #giveUpNodes(name: string, member: Member, client: Client): Promise<boolean> {
    const isPatient = this.#patience.lasts(name, performance.now())
    for (const { metadata, spec, status } of member.nodeConfigsOf(name)) {
      if (metadata.deletionTimestamp) continue
      const isEmpty = spec.devices === undefined
      const runs = status?.observedGeneration !== undefined
      if (runs && isPatient && !isEmpty) {
        const emptied = {
          metadata: { name: metadata.name, labels: metadata.labels },
          spec: { nodeName: spec.nodeName },
        }
        await client.apply(nodeConfigs, emptied as KubeObject)
      } else if (!runs || !isPatient || status.observedGeneration === metadata.generation) {
        await client.delete(nodeConfigs, { name: metadata.name }, { uid: metadata.uid })
      }
    }
    return member.nodeConfigsOf(name).length === 0
  }

  /** Whether the Services of others are gone from a cluster; one that does not show them is not waited for long. */
  #haveServicesGone(name: string): boolean {
    return this.#options.services.isClean(name) ?? !this.#patience.lasts(name, performance.now())
  }

  async #stop(name: string): Promise<void> {
    const { members } = this.#options.state
    const member = members.get(name)
    members.delete(name)
    this.#causes.delete(name)
    await member?.stop()
  }

  async #setFinalizers(cluster: StoredCluster, finalizers: readonly string[]): Promise<void> {
    const { name, uid, resourceVersion } = cluster.metadata
    const patch = { metadata: { uid, resourceVersion, finalizers } }
    const outcome = await this.#options.state.root.patch(clusters, { name }, patch, { type: 'merge' })
    // On a conflict the watch brings the newer object, and with it this key.
    if (!outcome.ok && outcome.reason !== 'Conflict' && outcome.reason !== 'NotFound') {
      throw new Error(`Cluster ${name}: finalizers cannot be set: ${outcome.status.message}`)
    }
  }
}
