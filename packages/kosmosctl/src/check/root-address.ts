import { isIP } from 'node:net'
import { connect } from 'node:tls'
import { ok, problem, skipped, type Verdict } from '../findings/finding.ts'

/** What a client finds that knows the root's authority, at the address that pods of a leaf are given. */
export type AddressAnswer =
  | { readonly kind: 'trusted' }
  /** Somebody answers, whom clients in pods will not believe. */
  | { readonly kind: 'distrusted'; readonly message: string }
  | { readonly kind: 'unreachable'; readonly message: string }

const WITHIN_MS = 5_000

/** Shakes hands at an address, as an in-cluster client does (client-go rest.InClusterConfig), and asks nothing. */
export async function askAddress(origin: string, authority: string): Promise<AddressAnswer> {
  const { hostname, port } = new URL(origin)
  const host = hostname.replace(/^\[|\]$/g, '')
  const { promise, resolve } = Promise.withResolvers<AddressAnswer>()
  const socket = connect({
    host,
    port: Number(port || 443),
    ca: authority,
    timeout: WITHIN_MS,
    // What is wrong with the certificate is the question; nothing is sent.
    rejectUnauthorized: false,
    ...(isIP(host) === 0 && { servername: host }),
  })
  socket.once('secureConnect', () => {
    const { authorized, authorizationError } = socket
    const message = String((authorizationError as Error | null)?.message ?? authorizationError)
    resolve(authorized ? { kind: 'trusted' } : { kind: 'distrusted', message })
  })
  socket.once('timeout', () => resolve({ kind: 'unreachable', message: `no answer within ${WITHIN_MS / 1000} s` }))
  socket.once('error', ({ message }) => resolve({ kind: 'unreachable', message }))
  try {
    return await promise
  } finally {
    socket.destroy()
  }
}

/** Pure. */
export function addressVerdict(origin: string | undefined, answer: AddressAnswer | undefined): Verdict {
  if (origin === undefined || answer === undefined)
    return skipped('pods in the leaf get no access to the API server of the root')
  switch (answer.kind) {
    case 'trusted':
      return ok(`the root's own certificate is at ${origin}, where pods in the leaf reach it`)
    case 'distrusted':
      return problem(
        `clients in pods will not trust the API server of the root at ${origin}: ${answer.message}`,
        'name an address that its certificate is valid for, and that is no proxy with another: kosmosctl join --root-api-server, docs/how-to/let-pods-reach-the-root.md',
      )
    case 'unreachable':
      // Pods are elsewhere.
      return skipped(`this machine does not reach ${origin}, as pods in the leaf are to: ${answer.message}`)
  }
}
