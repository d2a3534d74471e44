import type { ServerResponse } from 'node:http'
import { pipeline } from 'node:stream'
import { ClusterUnreachable, type OpenResponse, RequestAborted } from '@kosmos/kube'
import { type Answer, isRedirect, loginRefused, redirectRefused, send } from '../answer.ts'
import type { LocatedPod } from '../pods.ts'
import { type LogOptions, logQuery } from './options.ts'

export interface LogRequest {
  readonly pod: Extract<LocatedPod, { kind: 'found' }>
  readonly container: string
  readonly options: LogOptions
}

/** An error answer longer than this is cut: it is a sentence, not data. */
const maxErrorBytes = 64 * 1024

/**
 * Answers with the log that the leaf's API server gives, at the pace of the reader. The client's end ends the leaf's
 * request; the leaf breaking off breaks the answer off, so that it never looks complete. Resolves when all is over.
 */
export async function streamLogs({ pod, container, options }: LogRequest, response: ServerResponse): Promise<void> {
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  if (response.destroyed) return
  const path = `/api/v1/namespaces/${encodeURIComponent(pod.namespace)}/pods/${encodeURIComponent(pod.name)}/log?${logQuery(container, options)}`
  let leaf: OpenResponse
  try {
    // A container that is silent has no first byte for hours, so there is no limit on the beginning of the answer.
    leaf = await pod.connection.open({ method: 'GET', path, accept: '*/*', signal: gone.signal }, { answerMs: 0 })
  } catch (error) {
    if (error instanceof RequestAborted)
      return send(response, { code: 503, text: `${pod.connection.name}: shutting down` })
    if (!(error instanceof ClusterUnreachable)) throw error
    return send(response, { code: 503, text: `the log cannot be read now: ${error.message}` })
  }
  if (leaf.code !== 200) return await sendRefusal(leaf, pod, response)
  // A log is what its container likes: no browser may take it for a page, whatever the leaf calls it.
  response.writeHead(200, { 'Content-Type': 'text/plain', 'X-Content-Type-Options': 'nosniff' })
  response.flushHeaders()
  await new Promise<void>((resolve) => pipeline(leaf.body, response, () => resolve()))
}

async function sendRefusal(leaf: OpenResponse, pod: LogRequest['pod'], response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = []
  let length = 0
  try {
    for await (const chunk of leaf.body) {
      chunks.push(chunk)
      length += chunk.length
      if (length > maxErrorBytes) break
    }
  } catch {
    // What has come of it has to do.
  }
  const body = Buffer.concat(chunks).toString('utf8')
  const retryAfter = leaf.headers['retry-after']
  send(response, {
    ...refusal(leaf.code, body, pod.connection.name),
    ...(retryAfter !== undefined && { headers: { 'Retry-After': retryAfter } }),
  })
}

/**
 * The leaf's refusal in the kubelet's form: the root's API server makes the text of it the message of a Status, so a
 * Status from the leaf is reduced to its message. Pure.
 */
export function refusal(code: number, body: string, cluster: string): Answer {
  if (code === 401) return loginRefused(cluster)
  if (isRedirect(code)) return redirectRefused(cluster)
  try {
    const { kind, message } = JSON.parse(body) as { kind?: unknown; message?: unknown }
    if (kind === 'Status' && typeof message === 'string') return { code, text: message }
  } catch {
    // Not JSON: already text.
  }
  return { code, text: body }
}
