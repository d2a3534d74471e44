import { fieldManagers } from '@kosmos/api'
import { Client, Connection, createTransport, loadKubeConfig } from '@kosmos/kube'
import { LeafClaims } from '../clusters/claims.ts'
import { ClusterController } from '../clusters/controller.ts'
import { portRange } from '../kubelet/ports.ts'
import { serveKubelets } from '../kubelet/serve.ts'
import { Leaf } from '../leaf/leaf.ts'
import { connectRoot } from '../root/root.ts'
import { eventSink } from './event-sink.ts'
import { serveHttp } from './http.ts'
import { asLeader } from './leadership.ts'
import type { Log } from './log.ts'
import { createMetrics } from './metrics.ts'
import type { ProcessOptions } from './options.ts'

/** Runs cluster-tree until the signal aborts: probes at once, the work when it leads. */
export async function runClusterTree(options: ProcessOptions, log: Log, signal: AbortSignal): Promise<void> {
  const metrics = createMetrics()
  const config = loadKubeConfig({ file: options.kubeconfig })
  const connection = new Connection('root', await createTransport(config), {
    onRequest: (observation) => metrics.request('root', observation),
  })
  const client = new Client(connection, fieldManagers.clusterTree)
  let ready = false
  const http = await serveHttp({
    address: options.httpAddress,
    port: options.httpPort,
    registry: metrics.registry,
    isReady: () => ready,
  })
  log('info', 'http.listening', { url: http.url })
  try {
    const { leaderElection: election, identity } = options
    await asLeader({ client, election, identity, log, onStandby: () => (ready = true) }, signal, async (leading) => {
      const events = eventSink(client, metrics, log)
      const root = await connectRoot(client, events)
      const kubelets = await serveKubelets({
        root: client,
        address: options.nodeAddress,
        ports: portRange(options.firstKubeletPort),
        metrics,
        log,
      })
      const claims = new LeafClaims()
      const controller = new ClusterController({
        root,
        log,
        startLeaf: (cluster, kubeconfig, changed) =>
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
          }),
      })
      void root.clusters.synced.then(() => (ready = true))
      await Promise.all([root.run(leading), controller.run(leading)])
      await events.close()
    })
  } finally {
    await http.close()
    await connection.close()
  }
}
