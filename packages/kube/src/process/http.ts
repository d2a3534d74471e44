import type { Server } from 'node:https'
import fastify from 'fastify'
import type { Registry } from 'prom-client'
import { createGuard, type GuardOptions } from './guard.ts'
import { type PlainServing, servePlainMetrics } from './http-plain.ts'
import { followFiles, type Shown, type TlsFiles } from './tls-files.ts'
import { ownCertificate } from './tls-own.ts'

/** Where a process answers, and by which certificate it is known. */
export interface HttpServing {
  readonly address: string
  /** 0: any free one. */
  readonly port: number
  /** Without them the process signs a certificate itself, which nobody can verify. */
  readonly tls: TlsFiles | undefined
  /** Where metrics are served to this machine without any of that; undefined: nowhere. */
  readonly plain?: PlainServing | undefined
}

export interface HttpOptions extends HttpServing, GuardOptions {
  readonly registry: Registry
  /** Whether this process does its work: watches are in sync, or it waits to become the leader. */
  readonly isReady: () => boolean
}

const minVersion = 'TLSv1.2'

/** Of what is served to anybody: kubelets send no credentials with a probe, and the answer says nothing else. */
const probe = { config: { isOpen: true } } as const

/**
 * Probes for anybody; all else, and so metrics, for those whom the API server knows and allows to get that path. Throws
 * when it cannot listen.
 */
export async function serveHttp({ address, port, tls, plain, client, log, registry, isReady }: HttpOptions) {
  const guard = createGuard({ client, log })
  const stop = new AbortController()
  let server: Server | undefined
  const show = (next: Shown) => server?.setSecureContext({ ...next, minVersion })
  const certificate = tls ? await followFiles(tls, { show, log, signal: stop.signal }) : await ownCertificate(address)
  const app = fastify({
    logger: false,
    requestTimeout: 10_000,
    bodyLimit: 1_024,
    https: { ...certificate, minVersion, handshakeTimeout: 10_000 },
  })
  server = app.server as Server
  app.addHook('onRequest', async ({ routeOptions, method, url, headers }, reply) => {
    if ((routeOptions.config as { readonly isOpen?: boolean }).isOpen) return
    const path = routeOptions.url ?? url.split('?', 1)[0] ?? ''
    const refusal = await guard({ path, verb: method.toLowerCase(), authorization: headers.authorization })
    if (refusal) return await reply.code(refusal.code).send(refusal.text)
  })
  const alive = async () => 'ok'
  app.get('/livez', probe, alive)
  app.get('/healthz', probe, alive)
  app.get('/readyz', probe, async (_request, reply) => (isReady() ? 'ok' : reply.code(503).send('not ready')))
  app.get('/metrics', async (_request, reply) => reply.type(registry.contentType).send(await registry.metrics()))
  let open: Awaited<ReturnType<typeof servePlainMetrics>> | undefined
  const close = async () => {
    stop.abort()
    await Promise.all([app.close(), open?.close()])
  }
  try {
    const url = await app.listen({ host: address, port })
    log('info', 'http.listening', { url })
    open = plain && (await servePlainMetrics(plain, registry))
    if (open)
      log('warn', 'http.plain.listening', { url: open.url, why: 'every process of this machine may read metrics' })
    return { url, plainUrl: open?.url, close }
  } catch (error) {
    // One port that is left open would keep the process alive, and seem well.
    await close()
    throw error
  }
}
