import { BlockList } from 'node:net'
import fastify from 'fastify'
import type { Registry } from 'prom-client'

export interface HttpOptions {
  readonly address: string
  readonly port: number
  readonly registry: Registry
  /** Whether this process does its work: watches are in sync, or it waits to become the leader. */
  readonly isReady: () => boolean
}

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

/**
 * Probes for anybody, since they say nothing; metrics for callers on the same host or in the same pod. Who wants them from
 * elsewhere puts a proxy in front that asks for a login and speaks TLS (kube-rbac-proxy as a sidecar).
 */
export async function serveHttp({ address, port, registry, isReady }: HttpOptions) {
  const app = fastify({ logger: false })
  app.get('/livez', async () => 'ok')
  app.get('/readyz', async (_request, reply) => (isReady() ? 'ok' : reply.code(503).send('not ready')))
  app.get('/metrics', async ({ socket }, reply) => {
    if (!isLoopback(socket.remoteAddress)) {
      return reply.code(403).send('metrics are served to this host only; put kube-rbac-proxy in front of them')
    }
    return reply.type(registry.contentType).send(await registry.metrics())
  })
  const url = await app.listen({ host: address, port })
  return { url, close: () => app.close() }
}

/** Whether an address is this host's own; IPv4 may come in its IPv6 form. */
export function isLoopback(address = ''): boolean {
  const plain = address.replace(/^::ffff:/i, '')
  return loopback.check(plain, plain.includes(':') ? 'ipv6' : 'ipv4')
}
