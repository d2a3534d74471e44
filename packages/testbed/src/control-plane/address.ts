import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

/** Ports of a control plane, the usual ones: every cluster has a loopback address of its own, so they never collide. */
export const ports = {
  apiserver: 6443,
  etcd: 2379,
  etcdPeer: 2380,
  etcdMetrics: 2381,
  controllerManager: 10257,
  scheduler: 10259,
  kwok: 10247,
  metricsServer: 4443,
} as const

/**
 * A loopback address that nobody listens on: one of 4 million below 127.64.0.0/10. Ports on it cannot be taken by
 * outgoing connections, which have 127.0.0.1 as their source, so a component gets its port back after a restart.
 */
export async function freeLoopbackAddress(): Promise<string> {
  for (let attempt = 0; attempt < 20; attempt++) {
    const address = `127.${randomInt(64, 128)}.${randomInt(256)}.${randomInt(1, 255)}`
    if ((await isFree(address, ports.apiserver)) && (await isFree(address, ports.etcd))) return address
  }
  throw new Error('no free loopback address found below 127.64.0.0/10')
}

/** Whether a server could listen there now. */
export function isFree(address: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ host: address, port, exclusive: true }, () => server.close(() => resolve(true)))
  })
}

export interface ClusterNetwork {
  readonly podCIDR: string
  readonly serviceCIDR: string
  /** Address of the `kubernetes` Service: the first of the range. */
  readonly serviceAddress: string
  /** Address that cluster DNS is to have: the tenth of the range. */
  readonly dnsAddress: string
}

/** Address ranges of the n-th cluster of a test bed (0 is the root), distinct for up to 64 clusters. */
export function clusterNetwork(index: number): ClusterNetwork {
  if (!Number.isInteger(index) || index < 0 || index > 63)
    throw new RangeError(`a test bed has at most 64 clusters, not ${index + 1}`)
  return {
    podCIDR: `10.${128 + index}.0.0/16`,
    serviceCIDR: `10.${64 + index}.0.0/16`,
    serviceAddress: `10.${64 + index}.0.1`,
    dnsAddress: `10.${64 + index}.0.10`,
  }
}
