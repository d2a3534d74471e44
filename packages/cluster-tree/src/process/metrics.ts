import type { ReconcileObservation, RequestObservation } from '@kosmos/kube'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

/** What the process tells Prometheus. Labels are bounded: clusters, controllers, verbs and codes. */
export interface Metrics {
  readonly registry: Registry
  request(cluster: string, observation: RequestObservation): void
  reconcile(cluster: string, observation: ReconcileObservation): void
  leafReachable(cluster: string, reachable: boolean): void
  forgetLeaf(cluster: string): void
}

const SECONDS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30]

export function createMetrics(): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
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
  const reachable = new Gauge({
    name: 'kosmos_leaf_reachable',
    help: "Whether the leaf's API server answered the last heartbeat (1) or not (0).",
    labelNames: ['cluster'],
    registers,
  })
  return {
    registry,
    request: (cluster, { method, path, code }) => requests.inc({ cluster, verb: verbOf(method, path), code }),
    reconcile: (cluster, { controller, seconds, error }) =>
      reconciles.observe({ cluster, controller, result: error ? 'error' : 'ok' }, seconds),
    leafReachable: (cluster, is) => reachable.set({ cluster }, is ? 1 : 0),
    forgetLeaf: (cluster) => reachable.remove({ cluster }),
  }
}

/** The Kubernetes verb of a request: a GET of a collection is a list, and there must be none in steady state. */
export function verbOf(method: string, path: string): string {
  if (method !== 'GET') return method.toLowerCase()
  const [pathname = '', query = ''] = path.split('?', 2)
  if (/(^|&)watch=/.test(query)) return 'watch'
  return /^\/(api\/v1|apis\/[^/]+\/[^/]+)(\/namespaces\/[^/]+)?\/[^/]+$/.test(pathname) ? 'list' : 'get'
}
