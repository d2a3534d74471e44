import { Counter, Gauge, type Registry } from 'prom-client'

export interface KubeletMetrics {
  readonly requests: Counter<'route' | 'method' | 'code'>
  readonly openStreams: Gauge<'route'>
}

export function createKubeletMetrics(registry: Registry): KubeletMetrics {
  const registers = [registry]
  return {
    requests: new Counter({
      name: 'kosmos_kubelet_requests_total',
      help: 'Requests to the kubelet APIs of the virtual nodes, by first part of the path, method and status code.',
      labelNames: ['route', 'method', 'code'],
      registers,
    }),
    openStreams: new Gauge({
      name: 'kosmos_kubelet_open_streams',
      help: 'Logs, exec sessions and other streams that are open now, by first part of the path.',
      labelNames: ['route'],
      registers,
    }),
  }
}
