import { fieldManagers } from '@kosmos/api'
import { type ControllersContext, type Log, persist, runControllers, runTogether } from '@kosmos/kube/process'
import { LeafClaims } from '../clusters/claims.ts'
import { ClusterController, type ClusterControllerOptions } from '../clusters/controller.ts'
import type { Kubelets } from '../kubelet/kubelets.ts'
import { portRange } from '../kubelet/ports.ts'
import { serveKubelets } from '../kubelet/serve.ts'
import { Leaf } from '../leaf/leaf.ts'
import { Failover } from '../leaf-loss/failover.ts'
import { Holding } from '../leaf-loss/holding.ts'
import { connectRoot, type Root } from '../root/root.ts'
import { eventSink } from './event-sink.ts'
import { createMetrics, type Metrics } from './metrics.ts'
import { flagsOf, type ProcessOptions } from './options.ts'

/** Runs cluster-tree until the signal aborts: probes at once, the work when it leads. */
export async function runClusterTree(options: ProcessOptions, log: Log, signal: AbortSignal): Promise<void> {
  const metrics = createMetrics()
  const kubeletOptions = {
    address: options.nodeAddress,
    ports: portRange(options.firstKubeletPort),
    flags: flagsOf(options),
    metrics,
    log,
    signal,
  }
  // One for all terms: its metrics can be registered once only.
  let kubelets: Kubelets | undefined
  const term = async ({ client, lasting, onReconcile, ready }: ControllersContext, leading: AbortSignal) => {
    const events = eventSink(client)
    const root = await persist('root.connect', () => connectRoot(client, events), log, leading)
    const serve = () => serveKubelets({ root: lasting, ...kubeletOptions })
    kubelets ??= await persist('kubelet.start', serve, log, leading)
    const controller = new ClusterController({ root, log, kubelets, startLeaf: leafStarter(root, log, metrics) })
    const holding = new Holding({ root, onReconcile })
    const failover = new Failover({ root, isSettled: (cluster) => controller.isSettled(cluster), onReconcile })
    void root.clusters.synced.then(ready)
    const parts = [root, controller, holding.controller, failover.controller]
    await runTogether(
      leading,
      parts.map((part) => (signal: AbortSignal) => part.run(signal)),
    )
    await events.close()
  }
  const process = {
    component: 'cluster-tree',
    fieldManager: fieldManagers.clusterTree,
    metrics,
    work: async (context, leading) => {
      try {
        await term(context, leading)
      } catch (error) {
        // What the end of the term interrupted is no failure.
        if (!leading.aborted) throw error
      }
    },
  } satisfies Parameters<typeof runControllers>[0]
  await runControllers(process, options, log, signal)
}

function leafStarter(root: Root, log: Log, metrics: Metrics): ClusterControllerOptions['startLeaf'] {
  const claims = new LeafClaims(() => ({
    clusters: root.clusters.store.values(),
    virtualNodes: root.virtualNodes.store.values(),
  }))
  return (cluster, kubeconfig, kubelets, changed) =>
    new Leaf({
      cluster,
      kubeconfig,
      root,
      kubelets,
      claim: (leafId) => claims.claim(leafId, cluster.metadata.name),
      release: () => claims.release(cluster.metadata.name),
      changed,
      log,
      metrics,
    })
}
