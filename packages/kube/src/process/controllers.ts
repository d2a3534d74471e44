import { Client } from '../client/client.ts'
import { Connection } from '../connection/connection.ts'
import { loadKubeConfig } from '../connection/kubeconfig.ts'
import { createTransport } from '../connection/transport.ts'
import type { ReconcileObservation } from '../controller/controller.ts'
import { serveHttp } from './http.ts'
import { asLeader } from './leadership.ts'
import type { Log } from './log.ts'
import { createProcessMetrics, type ProcessMetrics } from './metrics.ts'
import type { CommonOptions } from './options.ts'
import { runTogether } from './run-together.ts'

/** What the controllers of a process are given. */
export interface ControllersContext {
  /** The root. */
  readonly client: Client
  readonly log: Log
  readonly metrics: ProcessMetrics
  /** Counts a reconcile, and logs one that failed. */
  readonly onReconcile: (observation: ReconcileObservation) => void
  /** From then on the process says that it is ready. */
  readonly ready: () => void
}

export interface ControllersOptions {
  /** Name of the Lease. */
  readonly component: string
  readonly fieldManager: string
  /** What it tells Prometheus, where it has more to tell than all processes have. */
  readonly metrics?: ProcessMetrics
  /** Works until the signal aborts, which it does when another process leads. */
  readonly work: (context: ControllersContext, leading: AbortSignal) => Promise<void>
  /** What every process does, whether it leads or not, until the signal aborts; it is ready when this is, too, and not ready while it ends. */
  readonly beside?: (context: ControllersContext, signal: AbortSignal) => Promise<void>
}

/**
 * Runs the controllers of a process of the root until the signal aborts: probes at once, the work when it leads. Rejects
 * when the work or what is beside it fails, once both have ended.
 */
export async function runControllers(
  { component, fieldManager, metrics = createProcessMetrics(), work, beside }: ControllersOptions,
  { kubeconfig, https, leaderElection: election, identity }: CommonOptions,
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  const connection = new Connection('root', await createTransport(loadKubeConfig({ file: kubeconfig })), {
    onRequest: (observation) => metrics.request('root', observation),
  })
  const client = new Client(connection, fieldManager)
  let isReady = false
  let isBesideReady = beside === undefined
  const { registry } = metrics
  /** Also from when a part has failed. */
  let ending = signal
  const isAllReady = () => isReady && isBesideReady && !ending.aborted
  const onReconcile = (observation: ReconcileObservation) => {
    metrics.reconcile('root', observation)
    const { controller, key, error } = observation
    if (error) log('warn', `${controller}.failed`, { object: key, reason: error.message })
  }
  const ready = () => {
    isReady = true
  }
  const besideReady = () => {
    isBesideReady = true
  }
  const common = { client, log, metrics, onReconcile }
  try {
    const http = await serveHttp({ ...https, client, log, registry, isReady: isAllReady })
    try {
      await runTogether(signal, [
        async (joint) => await beside?.({ ...common, ready: besideReady }, joint),
        (joint) => {
          ending = joint
          return asLeader({ client, component, election, identity, log, onStandby: ready }, joint, (leading) =>
            work({ ...common, ready }, leading),
          )
        },
      ])
    } finally {
      await http.close()
    }
  } finally {
    await connection.close()
  }
}
