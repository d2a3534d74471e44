import type { Server } from 'node:https'
import fastify from 'fastify'
import type { AdmissionView } from './admit.ts'
import { path } from './configuration.ts'
import { type AdmissionReview, answer, reviewSchema } from './review.ts'

export interface WebhookServerOptions {
  readonly address: string
  /** 0: any free one. */
  readonly port: number
  readonly certificate: ServedCertificate
  /** PEM: who signs the certificates that callers have to show; undefined: anybody may ask. */
  readonly clientCA: string | undefined
  readonly view: AdmissionView
}

/** PEM. */
export interface ServedCertificate {
  readonly cert: string
  readonly key: string
}

/** As large as a pod may be in etcd, and what an API server wraps around it. */
const LARGEST = 4 * 1024 * 1024

/**
 * Answers API servers that ask about new pods. Whoever asks learns what policies do with a pod, and changes nothing. API servers
 * show a certificate only where their administrator has said so (kubernetes.io: "Authenticate API servers").
 */
export async function serveWebhook({ address, port, certificate, clientCA, view }: WebhookServerOptions) {
  const contextOf = (shown: ServedCertificate) => ({
    ...shown,
    minVersion: 'TLSv1.2' as const,
    ...(clientCA && { ca: clientCA }),
  })
  const app = fastify({
    logger: false,
    bodyLimit: LARGEST,
    requestTimeout: 10_000,
    https: { ...contextOf(certificate), ...(clientCA && { requestCert: true, rejectUnauthorized: true }) },
    // Nothing is converted or cut: what is not a review is refused.
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false } },
  })
  app.post<{ Body: AdmissionReview }>(path, { schema: { body: reviewSchema } }, async ({ body }) => answer(body, view))
  const url = await app.listen({ host: address, port })
  return {
    url: `${url}${path}`,
    /** New connections are shown this one. */
    show: (next: ServedCertificate) => (app.server as Server).setSecureContext(contextOf(next)),
    close: () => app.close(),
  }
}
