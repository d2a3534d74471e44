import { fieldManagers } from '@kosmos/api'
import { Client, Connection, createTransport, loadKubeConfig, type ReconcileObservation } from '@kosmos/kube'
import { asLeader, type CommonOptions, createProcessMetrics, type Log, serveHttp } from '@kosmos/kube/process'
import { ClusterLink } from '../cluster-link.ts'

/** Runs the controllers of ClusterLink until the signal aborts: probes at once, the work when it leads. */
export async function runClusterLink(options: CommonOptions, log: Log, signal: AbortSignal): Promise<void> {
  const metrics = createProcessMetrics()
  const connection = new Connection('root', await createTransport(loadKubeConfig({ file: options.kubeconfig })), {
    onRequest: (observation) => metrics.request('root', observation),
  })
  const client = new Client(connection, fieldManagers.clusterLink)
  let ready = false
  const { httpAddress: address, httpPort: port, leaderElection: election, identity } = options
  const http = await serveHttp({ address, port, registry: metrics.registry, isReady: () => ready })
  log('info', 'http.listening', { url: http.url })
  const onReconcile = (observation: ReconcileObservation) => {
    metrics.reconcile('root', observation)
    const { controller, key, error } = observation
    if (error) log('warn', `${controller}.failed`, { object: key, reason: error.message })
  }
  const onStandby = () => (ready = true)
  try {
    await asLeader(
      { client, component: 'cluster-link', election, identity, log, onStandby },
      signal,
      async (leading) => {
        const link = new ClusterLink({ root: client, log, metrics, onReconcile })
        void link.synced.then(() => (ready = true))
        await link.run(leading)
      },
    )
  } finally {
    await http.close()
    await connection.close()
  }
}
