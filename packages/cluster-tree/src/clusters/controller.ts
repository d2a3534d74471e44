import { isDeepStrictEqual } from 'node:util'
import {
  clusterCondition,
  clusterFinalizer,
  clusterLabel,
  hasClusterTree,
  type NewCondition,
  virtualNodeModels,
} from '@kosmos/api'
import {
  Controller,
  type Credentials,
  clusters,
  credentialsRef,
  describeObject,
  isGone,
  isOvertaken,
  type Node,
  nodes,
  type Pod,
  pods,
  type Requeue,
  type Resource,
  readCredentials,
  type StoredCluster,
  timestamp,
} from '@kosmos/kube'
import type { Log } from '@kosmos/kube/process'
import { ClusterKubelets } from '../kubelet/cluster-kubelets.ts'
import type { Kubelets } from '../kubelet/kubelets.ts'
import type { Leaf } from '../leaf/leaf.ts'
import { isNodeOf } from '../nodes/ownership.ts'
import { virtualNodeState } from '../nodes/state.ts'
import { isOfDaemonSet } from '../pods/owner.ts'
import type { Root } from '../root/root.ts'
import { credentialsMoved, credentialsNotMoved, leaving } from './events.ts'
import { moveInlineKubeconfig, removeMovedKubeconfig } from './inline-kubeconfig.ts'
import { conditionsOf } from './report.ts'
import { statusOf } from './status.ts'
import { nextTeardownStep } from './teardown.ts'

export interface ClusterControllerOptions {
  readonly root: Root
  readonly log: Log
  readonly kubelets: Kubelets
  /** Starts to run a leaf; `changed` is called whenever its report has. */
  readonly startLeaf: (
    cluster: StoredCluster,
    kubeconfig: string,
    kubelets: ClusterKubelets,
    changed: () => void,
  ) => Leaf
}

/** Between word of a virtual node and the Cluster's status. */
const SETTLE_MS = 200

/** Runs a leaf for every Cluster that has usable credentials, and says on the Cluster how it goes. */
export class ClusterController {
  readonly controller: Controller
  readonly #options: ClusterControllerOptions
  readonly #leaves = new Map<string, { leaf: Leaf; uid: string }>()
  readonly #kubelets = new Map<string, ClusterKubelets>()

  constructor(options: ClusterControllerOptions) {
    this.#options = options
    const { root } = options
    this.controller = new Controller({
      name: 'clusters',
      concurrency: 8,
      reconcile: (name) => this.#reconcile(name),
      onReconcile: ({ key, error }) => {
        if (error) options.log('warn', 'cluster.reconcile.failed', { cluster: key, reason: error.message })
      },
    })
    this.controller.watch(root.clusters, ({ key }) => [key])
    this.controller.watch(root.credentials, ({ object }) => this.#usersOf(object.metadata.name))
    this.controller.watch(root.virtualNodes, (change) => {
      const name = change.object.metadata.labels?.[clusterLabel]
      const isNews =
        change.type !== 'updated' || !isDeepStrictEqual(virtualNodeState(change.old), virtualNodeState(change.object))
      // Of a leaf with hundreds of virtual nodes, they come and go together, and a status names them all.
      if (name && isNews) this.controller.enqueueAfter(name, SETTLE_MS)
      return []
    })
    // Before these are known, a Cluster that is being deleted would look as if nothing were left of it.
    this.controller.waitFor(root.boundPods.informer.synced)
  }

  async run(signal: AbortSignal): Promise<void> {
    await this.controller.run(signal)
    await Promise.all([...this.#kubelets.keys()].map((name) => this.#end(name)))
  }

  /** Whether the leaf of a Cluster answers and has no copy of a root pod that is gone. */
  isSettled(cluster: string): boolean {
    return this.#leaves.get(cluster)?.leaf.isSettled ?? false
  }

  *#usersOf(secret: string): Iterable<string> {
    for (const cluster of this.#options.root.clusters.store.values()) {
      if (credentialsRef(cluster)?.name === secret) yield cluster.metadata.name
    }
  }

  async #reconcile(name: string): Promise<Requeue> {
    const { root } = this.#options
    const cluster = root.clusters.get(name)
    if (!cluster) {
      await this.#end(name)
      return
    }
    if (cluster.metadata.deletionTimestamp) return await this.#tearDown(cluster)
    if (!hasClusterTree(cluster)) return await this.#disable(cluster)
    if (!cluster.metadata.finalizers?.includes(clusterFinalizer)) {
      await this.#setFinalizers(cluster, [...(cluster.metadata.finalizers ?? []), clusterFinalizer])
      return
    }
    if (cluster.spec.kubeconfig) {
      await this.#moveKubeconfig(cluster)
      return
    }
    const credentials = this.#credentialsOf(cluster)
    await this.#ensureLeaf(cluster, credentials)
    // It may have been disabled, and enabled again before all was gone.
    this.#leaves.get(name)?.leaf.stay()
    await this.#writeStatus(cluster, this.#conditionsOf(cluster, credentials))
    return
  }

  async #moveKubeconfig(cluster: StoredCluster): Promise<void> {
    const { client, events } = this.#options.root
    try {
      events.record(cluster, credentialsMoved(await moveInlineKubeconfig(client, cluster)))
    } catch (error) {
      events.record(cluster, credentialsNotMoved((error as Error).message))
      throw error
    }
  }

  #conditionsOf(cluster: StoredCluster, credentials: Credentials): NewCondition[] {
    const { name, generation = 0 } = cluster.metadata
    return conditionsOf({
      credentials,
      report: this.#leaves.get(name)?.leaf.report(),
      virtualNodes: this.#virtualNodesOf(name).map(virtualNodeState),
      observedGeneration: generation,
      now: Date.now(),
    })
  }

  #credentialsOf(cluster: StoredCluster): Credentials {
    const { credentials } = this.#options.root
    return readCredentials(cluster, (namespace, secret) => credentials.get(`${namespace}/${secret}`))
  }

  /** One leaf per Cluster, anew when it is reached otherwise; pods, nodes and their kubelets do not notice. */
  async #ensureLeaf(cluster: StoredCluster, credentials: Credentials): Promise<void> {
    const { name, uid } = cluster.metadata
    const kubeconfig = credentials.ok ? credentials.kubeconfig : undefined
    const running = this.#leaves.get(name)
    // Whoever takes the credentials away means it; who writes others that cannot be read has made a mistake.
    const mayGoOn = credentials.ok || credentials.reason.startsWith('Kubeconfig')
    if (running?.uid === uid && mayGoOn && running.leaf.logInBy(kubeconfig)) {
      running.leaf.setOptions(cluster)
      return
    }
    await this.#stop(name)
    if (kubeconfig === undefined) return
    const kubelets =
      this.#kubelets.get(name) ?? new ClusterKubelets(this.#options.kubelets, this.#options.root.boundPods)
    this.#kubelets.set(name, kubelets)
    const leaf = this.#options.startLeaf(cluster, kubeconfig, kubelets, () => this.controller.enqueue(name))
    this.#leaves.set(name, { leaf, uid })
  }

  async #stop(name: string): Promise<void> {
    const running = this.#leaves.get(name)
    this.#leaves.delete(name)
    await running?.leaf.stop()
  }

  /** Ends all that runs for a Cluster. */
  async #end(name: string): Promise<void> {
    await this.#stop(name)
    const kubelets = this.#kubelets.get(name)
    this.#kubelets.delete(name)
    await kubelets?.close()
  }

  async #disable(cluster: StoredCluster): Promise<Requeue> {
    const observedGeneration = cluster.metadata.generation ?? 0
    if (cluster.metadata.finalizers?.includes(clusterFinalizer)) return await this.#tearDown(cluster)
    await this.#writeStatus(cluster, [
      clusterCondition('Reachable', 'ClusterTreeDisabled', { observedGeneration }),
      clusterCondition('CredentialsValid', 'ClusterTreeDisabled', { observedGeneration }),
      clusterCondition('VirtualNodesReady', 'ClusterTreeDisabled', { observedGeneration }),
    ])
    return
  }

  /** Removes what the Cluster brought about, step by step; each step is repeated until it holds. */
  async #tearDown(cluster: StoredCluster): Promise<Requeue> {
    const { root } = this.#options
    const { name, finalizers = [] } = cluster.metadata
    if (!finalizers.includes(clusterFinalizer)) {
      await this.#end(name)
      return
    }
    const credentials = this.#credentialsOf(cluster)
    await this.#ensureLeaf(cluster, credentials)
    const leaf = this.#leaves.get(name)?.leaf
    await leaf?.leave()
    const virtualNodes = this.#virtualNodesOf(name)
    const rootPods = await this.#podsOf(cluster)
    const step = nextTeardownStep({
      rootPods: rootPods.length,
      daemonPods: rootPods.filter(isOfDaemonSet).length,
      leafObjects: leaf?.objectsLeft(),
      virtualNodes: virtualNodes.length,
      wasUsed: cluster.status?.version !== undefined && leaf?.report().refused === undefined,
    })
    switch (step.kind) {
      case 'drain': {
        const going = rootPods.filter((pod) => !pod.metadata.deletionTimestamp && !isOfDaemonSet(pod))
        const refusal = await this.#delete(pods, going)
        await this.#reportLeaving(cluster, credentials, `${step.left} pods are still on its virtual nodes${refusal}`)
        return { afterMs: 1_000 }
      }
      case 'wait':
        await this.#reportLeaving(cluster, credentials, step.message)
        return { afterMs: 1_000 }
      case 'removeVirtualNodes': {
        const refusal = await this.#delete(nodes, virtualNodes)
        if (refusal) await this.#reportLeaving(cluster, credentials, `virtual nodes are still there${refusal}`)
        // The leaf goes on until its last pod has ended; it does not make the node again.
        return { afterMs: 1_000 }
      }
      case 'finish':
        await this.#end(name)
        if (cluster.metadata.deletionTimestamp) await removeMovedKubeconfig(root.client, cluster)
        await this.#setFinalizers(
          cluster,
          finalizers.filter((finalizer) => finalizer !== clusterFinalizer),
        )
        return
    }
  }

  /** Deletes objects of the root; returns what it says of the first that it refuses, to be added to a sentence. */
  async #delete(resource: Resource, objects: Iterable<Pod | Node>): Promise<string> {
    let refusal = ''
    for (const { metadata } of objects) {
      const { namespace, name, uid } = metadata
      const outcome = await this.#options.root.client.delete(resource, { namespace, name }, { uid })
      if (outcome.ok || isGone(outcome)) continue
      refusal ||= `; ${describeObject({ metadata, kind: resource.kind })}: ${outcome.status.message}`
    }
    return refusal
  }

  /** Also those on a virtual node that somebody has deleted; never those on a node that is not ours. */
  async #podsOf({ metadata: { name }, spec }: StoredCluster): Promise<Pod[]> {
    const { client, boundPods } = this.#options.root
    const there = this.#virtualNodesOf(name).flatMap(({ metadata }) => [...boundPods.on(metadata.name)])
    const seen = new Set(there.map(({ spec }) => spec.nodeName))
    const left: Pod[] = []
    for (const described of virtualNodeModels(name, spec.clusterTreeOptions?.leafModels)) {
      const onNode = seen.has(described.name) ? [] : [...boundPods.on(described.name)]
      if (onNode.length > 0 && !(await client.get(nodes, { name: described.name }))) left.push(...onNode)
    }
    return [...there, ...left]
  }

  #virtualNodesOf(cluster: string) {
    return [...this.#options.root.virtualNodes.store.values()].filter((node) => isNodeOf(node, cluster))
  }

  async #reportLeaving(cluster: StoredCluster, credentials: Credentials, detail: string): Promise<void> {
    const observedGeneration = cluster.metadata.generation ?? 0
    const condition = clusterCondition('VirtualNodesReady', 'Leaving', { observedGeneration, detail })
    const said = cluster.status?.conditions?.find(({ type }) => type === condition.type)
    if (said?.message !== condition.message) this.#options.root.events.record(cluster, leaving(detail))
    const others = this.#conditionsOf(cluster, credentials).filter(({ type }) => type !== condition.type)
    await this.#writeStatus(cluster, [...others, condition])
  }

  async #setFinalizers(cluster: StoredCluster, finalizers: readonly string[]): Promise<void> {
    const { name, uid, resourceVersion } = cluster.metadata
    const outcome = await this.#options.root.client.patch(
      clusters,
      { name },
      { metadata: { uid, resourceVersion, finalizers } },
      { type: 'merge' },
    )
    // On a conflict the watch brings the newer object, and with it this key.
    if (!outcome.ok && outcome.reason !== 'Conflict' && outcome.reason !== 'NotFound') {
      throw new Error(`Cluster ${name}: finalizers cannot be set: ${outcome.status.message}`)
    }
  }

  async #writeStatus(cluster: StoredCluster, conditions: readonly NewCondition[]): Promise<void> {
    const { name, uid, resourceVersion } = cluster.metadata
    const status = statusOf(cluster, {
      conditions,
      virtualNodes: this.#virtualNodesOf(name).map(virtualNodeState),
      version: this.#leaves.get(name)?.leaf.report().version,
      now: timestamp(Date.now()),
    })
    if (!status) return
    // ClusterLink writes conditions as well, in the same list: only what was read is replaced. On a conflict the watch brings this key.
    const patch = { metadata: { uid, resourceVersion }, status }
    const outcome = await this.#options.root.client.patch(clusters, { name }, patch, {
      type: 'merge',
      subresource: 'status',
    })
    if (!outcome.ok && !isOvertaken(outcome)) {
      throw new Error(`Cluster ${name}: status cannot be written: ${outcome.status.message}`)
    }
  }
}
