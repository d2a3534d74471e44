import { fieldManagers } from '@kosmos/api'
import { Client, Connection, createTransport, loadKubeConfig, type ReconcileObservation } from '@kosmos/kube'
import { asLeader, type Log, persist, runTogether, serveHttp } from '@kosmos/kube/process'
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
  const config = loadKubeConfig({ file: options.kubeconfig })
  const connection = new Connection('root', await createTransport(config), {
    onRequest: (observation) => metrics.request('root', observation),
  })
  const client = new Client(connection, fieldManagers.clusterTree)
  const kubeletOptions = {
    root: client,
    address: options.nodeAddress,
    ports: portRange(options.firstKubeletPort),
    flags: flagsOf(options),
    metrics,
    log,
    signal,
  }
  let ready = false
  const { registry } = metrics
  const http = await serveHttp({ ...options.https, client, log, registry, isReady: () => ready })
  // One for all terms: its metrics can be registered once only.
  let kubelets: Kubelets | undefined
  const work = async (leading: AbortSignal) => {
    const events = eventSink(client)
    const root = await persist('root.connect', () => connectRoot(client, events), log, leading)
    kubelets ??= await persist('kubelet.start', () => serveKubelets(kubeletOptions), log, leading)
    const controller = new ClusterController({ root, log, kubelets, startLeaf: leafStarter(root, log, metrics) })
    const onReconcile = ({ controller, key, error }: ReconcileObservation) => {
      if (error) log('warn', `${controller}.failed`, { object: key, reason: error.message })
    }
    const holding = new Holding({ root, onReconcile })
    const failover = new Failover({ root, isSettled: (cluster) => controller.isSettled(cluster), onReconcile })
    void root.clusters.synced.then(() => (ready = true))
    const parts = [root, controller, holding.controller, failover.controller]
    await runTogether(
      leading,
      parts.map((part) => (signal: AbortSignal) => part.run(signal)),
    )
    await events.close()
  }
  const { leaderElection: election, identity } = options
  try {
    await asLeader(
      { client, component: 'cluster-tree', election, identity, log, onStandby: () => (ready = true) },
      signal,
      async (leading) => {
        try {
          await work(leading)
        } catch (error) {
          // What the end of the term interrupted is no failure.
          if (!leading.aborted) throw error
        }
      },
    )
  } finally {
    await http.close()
    await connection.close()
  }
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
