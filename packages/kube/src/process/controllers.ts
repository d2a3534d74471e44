import { Client } from '../client/client.ts'
import { Connection } from '../connection/connection.ts'
import { RequestAborted } from '../connection/errors.ts'
import { loadKubeConfig } from '../connection/kubeconfig.ts'
import { createTransport } from '../connection/transport.ts'
import type { ReconcileObservation } from '../controller/controller.ts'
import { aborted } from '../signals/aborted.ts'
import { serveHttp } from './http.ts'
import { asLeader } from './leadership.ts'
import type { Log } from './log.ts'
import { createProcessMetrics, type ProcessMetrics } from './metrics.ts'
import type { CommonOptions } from './options.ts'
import { runTogether } from './run-together.ts'

/** What the controllers of a process are given. */
export interface ControllersContext {
  /** The root. Its requests are given up when what they are for has had its time to end, and at once when another process may lead. */
  readonly client: Client
  /** The same for what outlives the work that it is begun by. */
  readonly lasting: Client
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
  /** What the work may take when it is told to end, before its requests are given up. */
  readonly graceMs?: number
}

/** Less than the 30 s after which a kubelet kills, which controller-runtime waits by default, so that the Lease is released in time. */
const GRACE_MS = 20_000

/**
 * Runs the controllers of a process of the root until the signal aborts: probes at once, the work when it leads. Rejects
 * when the work or what is beside it fails, once both have ended.
 */
export async function runControllers(
  { component, fieldManager, metrics = createProcessMetrics(), work, beside, graceMs = GRACE_MS }: ControllersOptions,
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
  const contextFor = (cut: AbortSignal, ready: () => void) => ({
    client: new Client(connection, fieldManager, { signal: cut }),
    lasting: client,
    log,
    metrics,
    onReconcile,
    ready,
  })
  try {
    const http = await serveHttp({ ...https, client, log, registry, isReady: isAllReady })
    try {
      await runTogether(signal, [
        async (joint) => {
          const cut = abortedAfter(joint, graceMs)
          await endedBy(cut, async () => await beside?.(contextFor(cut, besideReady), joint))
        },
        (joint) => {
          ending = joint
          return asLeader({ client, component, election, identity, log, onStandby: ready }, joint, (leading, lost) => {
            const cut = AbortSignal.any([lost, abortedAfter(leading, graceMs)])
            return endedBy(cut, () => work(contextFor(cut, ready), leading))
          })
        },
      ])
    } finally {
      await http.close()
    }
  } finally {
    await connection.close()
  }
}

/** Aborts so long after the other. */
function abortedAfter(signal: AbortSignal, ms: number): AbortSignal {
  const later = new AbortController()
  void aborted(signal).then(() => setTimeout(() => later.abort(), ms).unref())
  return later.signal
}

/** That a request was given up is how work ends that did not end in its time, and no failure: whoever leads next finds what is left to do. */
async function endedBy(cut: AbortSignal, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (!cut.aborted || !(error instanceof RequestAborted)) throw error
  }
}
