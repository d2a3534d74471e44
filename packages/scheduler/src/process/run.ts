import { hostname } from 'node:os'
import { fieldManagers } from '@kosmos/api'
import {
  Client,
  Connection,
  createTransport,
  EventRecorder,
  eventRef,
  loadKubeConfig,
  type ReconcileObservation,
} from '@kosmos/kube'
import { asLeader, createProcessMetrics, type Log, serveHttp } from '@kosmos/kube/process'
import { Scheduler } from '../scheduler.ts'
import type { SchedulerProcessOptions } from './options.ts'

/** Runs the scheduler until the signal aborts: probes at once, the work when it leads. */
export async function runScheduler(options: SchedulerProcessOptions, log: Log, signal: AbortSignal): Promise<void> {
  const metrics = createProcessMetrics()
  const connection = new Connection('root', await createTransport(loadKubeConfig({ file: options.kubeconfig })), {
    onRequest: (observation) => metrics.request('root', observation),
  })
  const client = new Client(connection, fieldManagers.scheduler)
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
    await asLeader({ client, component: 'scheduler', election, identity, log, onStandby }, signal, async (leading) => {
      const events = new EventRecorder({ client, controller: 'kosmos.io/scheduler', instance: hostname() })
      const record = (regarding: Parameters<typeof eventRef>[0], event: Parameters<EventRecorder['record']>[1]) =>
        events.record(eventRef(regarding), event)
      const scheduler = new Scheduler({ root: client, takeBackAfterMs: options.takeBackAfterMs, record, onReconcile })
      void scheduler.synced.then(() => (ready = true))
      await scheduler.run(leading)
      await events.flush()
    })
  } finally {
    await http.close()
    await connection.close()
  }
}
