import { Counter, collectDefaultMetrics, Histogram, Registry } from 'prom-client'
import type { RequestObservation } from '../connection/connection.ts'
import type { ReconcileObservation } from '../controller/controller.ts'

/** What every process of ours tells Prometheus. Labels are bounded: clusters, controllers, verbs and codes. */
export interface ProcessMetrics {
  readonly registry: Registry
  request(cluster: string, observation: RequestObservation): void
  reconcile(cluster: string, observation: ReconcileObservation): void
}

/** Between looks at the event loop: its usual 10 ms were a fifth of what a process took at rest. */
const LOOP_LOOK_MS = 50

const SECONDS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30]

export function createProcessMetrics(): ProcessMetrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: LOOP_LOOK_MS })
  const registers = [registry]
  const requests = new Counter({
    name: 'kosmos_api_requests_total',
    help: 'Requests to API servers, by cluster, verb and HTTP status (0: no answer).',
    labelNames: ['cluster', 'verb', 'code'],
    registers,
  })
  const reconciles = new Histogram({
    name: 'kosmos_reconcile_duration_seconds',
    help: 'Time that a controller took for one key.',
    labelNames: ['cluster', 'controller', 'result'],
    buckets: SECONDS,
    registers,
  })
  return {
    registry,
    request: (cluster, { method, path, code }) => requests.inc({ cluster, verb: verbOf(method, path), code }),
    reconcile: (cluster, { controller, seconds, error }) =>
      reconciles.observe({ cluster, controller, result: error ? 'error' : 'ok' }, seconds),
  }
}

/** The Kubernetes verb of a request: a GET of a collection is a list, and there must be none in steady state. */
export function verbOf(method: string, path: string): string {
  if (method !== 'GET') return method.toLowerCase()
  const [pathname = '', query = ''] = path.split('?', 2)
  if (/(^|&)watch=/.test(query)) return 'watch'
  return /^\/(api\/v1|apis\/[^/]+\/[^/]+)(\/namespaces\/[^/]+)?\/[^/]+$/.test(pathname) ? 'list' : 'get'
}
