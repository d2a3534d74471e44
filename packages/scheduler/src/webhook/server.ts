import type { Server } from 'node:https'
import fastify from 'fastify'
import { questions } from './admit.ts'
import { basePath, pathOf } from './configuration.ts'
import { type AdmissionReview, answer, reviewSchema } from './review.ts'

export interface WebhookServerOptions {
  readonly address: string
  /** 0: any free one. */
  readonly port: number
  readonly certificate: ServedCertificate
  /** PEM: who signs the certificates that callers have to show; undefined: anybody may ask. */
  readonly clientCA: string | undefined
}

/** PEM. */
export interface ServedCertificate {
  readonly cert: string
  readonly key: string
}

/** Longer than an API server keeps a connection that it does not use (90 s, Go's default): never do both end it at once. */
const KEEP_ALIVE_MS = 120_000

/** As large as a pod may be in etcd, and what an API server wraps around it. */
const LARGEST = 4 * 1024 * 1024

/**
 * Answers API servers that ask about new pods. Whoever asks learns and changes nothing. API servers
 * show a certificate only where their administrator has said so (kubernetes.io: "Authenticate API servers").
 */
export async function serveWebhook({ address, port, certificate, clientCA }: WebhookServerOptions) {
  const contextOf = (shown: ServedCertificate) => ({
    ...shown,
    minVersion: 'TLSv1.2' as const,
    ...(clientCA && { ca: clientCA }),
  })
  const app = fastify({
    logger: false,
    bodyLimit: LARGEST,
    requestTimeout: 10_000,
    keepAliveTimeout: KEEP_ALIVE_MS,
    // What still comes while it closes is answered.
    return503OnClosing: false,
    https: {
      ...contextOf(certificate),
      handshakeTimeout: 10_000,
      ...(clientCA && { requestCert: true, rejectUnauthorized: true }),
    },
    // Nothing is converted or cut: what is not a review is refused.
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false } },
  })
  let isEnding = false
  app.addHook('onRequest', async (_request, reply) => {
    if (isEnding) reply.header('connection', 'close')
  })
  const schema = { body: reviewSchema }
  for (const question of questions) {
    app.post<{ Body: AdmissionReview }>(pathOf(question), { schema }, async ({ body }) => answer(body, question))
  }
  const url = await app.listen({ host: address, port })
  return {
    url: `${url}${basePath}`,
    /** New connections are shown this one. */
    show: (next: ServedCertificate) => (app.server as Server).setSecureContext(contextOf(next)),
    /** From now on each answer ends its connection: the next question comes by a new one, which may lead to another replica. */
    sendElsewhere: () => {
      isEnding = true
    },
    /** What is being asked is answered first. */
    close: () => app.close(),
  }
}
