import { clusterCondition, clusterFinalizer, hasClusterTree } from '@kosmos/api'
import { Controller, nodes, pods, type Requeue } from '@kosmos/kube'
import type { Leaf } from '../leaf/leaf.ts'
import { isNodeOf } from '../nodes/ownership.ts'
import type { Log } from '../process/log.ts'
import type { Root } from '../root/root.ts'
import { type Credentials, credentialsRef, readCredentials } from './credentials.ts'
import { credentialsMoved, leaving } from './events.ts'
import { moveInlineKubeconfig } from './inline-kubeconfig.ts'
import { conditionsOf } from './report.ts'
import { clusters, type StoredCluster } from './resource.ts'
import { statusOf } from './status.ts'
import { nextTeardownStep } from './teardown.ts'

export interface ClusterControllerOptions {
  readonly root: Root
  readonly log: Log
  /** Starts to run a leaf; `changed` is called whenever its report has. */
  readonly startLeaf: (cluster: StoredCluster, kubeconfig: string, changed: () => void) => Leaf
}

/** Runs a leaf for every Cluster that has usable credentials, and says on the Cluster how it goes. */
export class ClusterController {
  readonly controller: Controller
  readonly #options: ClusterControllerOptions
  readonly #leaves = new Map<string, { leaf: Leaf; cause: string }>()

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
  }

  leafOf(cluster: string): Leaf | undefined {
    return this.#leaves.get(cluster)?.leaf
  }

  leaves(): Leaf[] {
    return [...this.#leaves.values()].map(({ leaf }) => leaf)
  }

  async run(signal: AbortSignal): Promise<void> {
    await this.controller.run(signal)
    await Promise.all([...this.#leaves.keys()].map((name) => this.#stop(name)))
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
      await this.#stop(name)
      return
    }
    if (cluster.metadata.deletionTimestamp) return await this.#tearDown(cluster)
    if (!hasClusterTree(cluster)) return await this.#disable(cluster)
    if (!cluster.metadata.finalizers?.includes(clusterFinalizer)) {
      await this.#setFinalizers(cluster, [...(cluster.metadata.finalizers ?? []), clusterFinalizer])
      return
    }
    if (cluster.spec.kubeconfig) {
      const secret = await moveInlineKubeconfig(root.client, cluster)
      root.events.record(cluster, credentialsMoved(secret))
      return
    }
    const credentials = this.#credentialsOf(cluster)
    await this.#ensureLeaf(cluster, credentials)
    const report = this.#leaves.get(name)?.leaf.report()
    await this.#writeStatus(cluster, conditionsOf(credentials, report, cluster.metadata.generation ?? 0))
    return
  }

  #credentialsOf(cluster: StoredCluster): Credentials {
    const { credentials } = this.#options.root
    return readCredentials(cluster, (namespace, secret) => credentials.get(`${namespace}/${secret}`))
  }

  /** One leaf per Cluster, anew when its credentials or options change; pods and nodes do not notice. */
  async #ensureLeaf(cluster: StoredCluster, credentials: Credentials): Promise<void> {
    const { name, uid } = cluster.metadata
    const kubeconfig = credentials.ok ? credentials.kubeconfig : undefined
    const cause = kubeconfig && JSON.stringify([uid, kubeconfig, cluster.spec.clusterTreeOptions])
    if (this.#leaves.get(name)?.cause === cause) return
    await this.#stop(name)
    if (kubeconfig === undefined || cause === undefined) return
    const leaf = this.#options.startLeaf(cluster, kubeconfig, () => this.controller.enqueue(name))
    this.#leaves.set(name, { leaf, cause })
  }

  async #stop(name: string): Promise<void> {
    const running = this.#leaves.get(name)
    this.#leaves.delete(name)
    await running?.leaf.stop()
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
      await this.#stop(name)
      return
    }
    const credentials = this.#credentialsOf(cluster)
    await this.#ensureLeaf(cluster, credentials)
    const leaf = this.#leaves.get(name)?.leaf
    await leaf?.leave()
    const virtualNodes = this.#virtualNodesOf(name)
    const rootPods = virtualNodes.flatMap((node) => [...root.boundPods.on(node.metadata.name)])
    const step = nextTeardownStep({
      rootPods: rootPods.length,
      leafObjects: leaf?.objectsLeft(),
      virtualNodes: virtualNodes.length,
    })
    switch (step.kind) {
      case 'drain':
        for (const { metadata } of rootPods) {
          if (metadata.deletionTimestamp) continue
          const { namespace, name, uid } = metadata
          await root.client.delete(pods, { namespace, name }, { uid })
        }
        await this.#reportLeaving(cluster, `${step.left} pods are still on its virtual nodes`)
        return { afterMs: 1_000 }
      case 'waitForLeaf':
        await this.#reportLeaving(cluster, step.message)
        return { afterMs: 1_000 }
      case 'removeVirtualNodes':
        await this.#stop(name)
        for (const { metadata } of virtualNodes) {
          await root.client.delete(nodes, { name: metadata.name }, { uid: metadata.uid })
        }
        await this.#setFinalizers(
          cluster,
          finalizers.filter((finalizer) => finalizer !== clusterFinalizer),
        )
        return
      case 'finish':
        await this.#stop(name)
        await this.#setFinalizers(
          cluster,
          finalizers.filter((finalizer) => finalizer !== clusterFinalizer),
        )
        return
    }
  }

  #virtualNodesOf(cluster: string) {
    return [...this.#options.root.virtualNodes.store.values()].filter((node) => isNodeOf(node, cluster))
  }

  async #reportLeaving(cluster: StoredCluster, detail: string): Promise<void> {
    const observedGeneration = cluster.metadata.generation ?? 0
    this.#options.root.events.record(cluster, leaving(detail))
    await this.#writeStatus(cluster, [clusterCondition('VirtualNodesReady', 'Leaving', { observedGeneration, detail })])
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

  async #writeStatus(cluster: StoredCluster, conditions: Parameters<typeof statusOf>[1]): Promise<void> {
    const { name, uid } = cluster.metadata
    const report = this.#leaves.get(name)?.leaf.report()
    const status = statusOf(cluster, conditions, report, `${new Date().toISOString().slice(0, 19)}Z`)
    if (!status) return
    const patch = { metadata: { uid }, status }
    const outcome = await this.#options.root.client.patch(clusters, { name }, patch, {
      type: 'merge',
      subresource: 'status',
    })
    if (!outcome.ok && outcome.reason !== 'NotFound' && outcome.reason !== 'OtherIncarnation') {
      throw new Error(`Cluster ${name}: status cannot be written: ${outcome.status.message}`)
    }
  }
}
