import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'
import { listenerOn } from './listener.ts'

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

/** Somebody listens on a port that a control plane needs, on every address of this machine. */
export class PortTaken extends Error {
  constructor(port: number) {
    const listener = listenerOn(port)
    const who = listener === undefined ? '' : ` by ${listener.name} (process ${listener.pid})`
    const look = listener === undefined ? `see who by "sudo ss -ltnp sport = :${port}", ` : ''
    super(
      `port ${port} is taken on this machine${who}, and a cluster of the test bed has to listen on it: ${look}end that program, or let it listen on one address only, and try again`,
    )
    this.name = 'PortTaken'
  }
}

/**
 * A loopback address that nobody listens on: one of 4 million below 127.64.0.0/10. Ports on it cannot be taken by
 * outgoing connections, which have 127.0.0.1 as their source, so a component gets its port back after a restart.
 * @throws PortTaken when somebody listens on one of the ports on all of them
 */
export async function freeLoopbackAddress(needed: readonly number[] = Object.values(ports)): Promise<string> {
  for (let attempt = 1; ; attempt++) {
    const address = `127.${randomInt(64, 128)}.${randomInt(256)}.${randomInt(1, 255)}`
    const areFree = await Promise.all(needed.map((port) => isFree(address, port)))
    const taken = needed.find((_, index) => !areFree[index])
    if (taken === undefined) return address
    if (attempt === 20) throw new PortTaken(taken)
  }
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
