import { BlockList } from 'node:net'
import fastify from 'fastify'
import type { Registry } from 'prom-client'

export interface PlainServing {
  /** Loopback, see {@link isLoopback}. */
  readonly address: string
  /** 0: any free one. */
  readonly port: number
}

/** Metrics for every process of this machine, without TLS and login: for benchmarks and scripts, not for a cluster. */
export async function servePlainMetrics({ address, port }: PlainServing, registry: Registry) {
  const app = fastify({ logger: false, requestTimeout: 10_000, bodyLimit: 1_024 })
  app.get('/metrics', async (_request, reply) => reply.type(registry.contentType).send(await registry.metrics()))
  const url = await app.listen({ host: address, port })
  return { url, close: () => app.close() }
}

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

/** Whether an address is reached from this machine only. Pure. */
export const isLoopback = (address: string): boolean => loopback.check(address, address.includes(':') ? 'ipv6' : 'ipv4')
