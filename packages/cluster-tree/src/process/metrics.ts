import { createProcessMetrics, type ProcessMetrics } from '@kosmos/kube/process'
import { Gauge } from 'prom-client'

/** What the process tells Prometheus. */
export interface Metrics extends ProcessMetrics {
  leafReachable(cluster: string, reachable: boolean): void
  forgetLeaf(cluster: string): void
}

export function createMetrics(): Metrics {
  const metrics = createProcessMetrics()
  const reachable = new Gauge({
    name: 'kosmos_leaf_reachable',
    help: "Whether the leaf's API server answered the last heartbeat (1) or not (0).",
    labelNames: ['cluster'],
    registers: [metrics.registry],
  })
  return {
    ...metrics,
    leafReachable: (cluster, is) => reachable.set({ cluster }, is ? 1 : 0),
    forgetLeaf: (cluster) => reachable.remove({ cluster }),
  }
}
