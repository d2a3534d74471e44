import fastify from 'fastify'
import type { Registry } from 'prom-client'

export interface HttpOptions {
  readonly address: string
  readonly port: number
  readonly registry: Registry
  /** Whether this process does its work: watches are in sync, or it waits to become the leader. */
  readonly isReady: () => boolean
}

/** Metrics and probes. Serves no secret and takes no input; its address decides who may see it. */
export async function serveHttp({ address, port, registry, isReady }: HttpOptions) {
  const app = fastify({ logger: false })
  app.get('/livez', async () => 'ok')
  app.get('/readyz', async (_request, reply) => (isReady() ? 'ok' : reply.code(503).send('not ready')))
  app.get('/metrics', async (_request, reply) => reply.type(registry.contentType).send(await registry.metrics()))
  const url = await app.listen({ host: address, port })
  return { url, close: () => app.close() }
}
