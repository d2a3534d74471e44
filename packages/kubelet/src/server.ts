import { constants } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import https from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { SecureContextOptions } from 'node:tls'
import type { ServingCertificate } from '@kosmos/kube/certificates'
import type { KubeletApi } from './api.ts'
import { opensSession } from './routes/attributes.ts'
import type { NodeContext } from './routes/context.ts'

/** The certificate that a server shows now, and word of the next one. */
export interface CertificateSource {
  current(): ServingCertificate
  /** Returns how to stop listening. */
  onRenewal(listener: () => void): () => void
}

export interface KubeletServerOptions {
  readonly node: NodeContext
  readonly certificate: CertificateSource
  readonly address: string
  /** 0 for any free one. */
  readonly port: number
}

export interface KubeletServer {
  /** Where the node's addresses and daemonEndpoints have to point. Throws if the port is taken. */
  listen(): Promise<{ readonly address: string; readonly port: number }>
  /** Stops listening and breaks all connections, also open streams. */
  close(): Promise<void>
}

/** The kubelet API of one virtual node. */
export function createKubeletServer(api: KubeletApi, options: KubeletServerOptions): KubeletServer {
  const { node, certificate, address, port } = options
  const sockets = new Set<Socket>()

  const secureContext = (): SecureContextOptions => {
    const { certificate: cert, key } = certificate.current()
    return {
      cert,
      key,
      // Without a bundle nobody's certificate counts; left out, Node would trust the public authorities.
      ca: api.clientCA?.pem ?? [],
      allowPartialTrustChain: true,
      minVersion: 'TLSv1.2',
      // A resumed session would skip the verification of the client's certificate.
      secureOptions: constants.SSL_OP_NO_TICKET,
    }
  }
  const server = https.createServer(
    {
      ...secureContext(),
      requestCert: true,
      // A certificate that does not count must not spoil a token.
      rejectUnauthorized: false,
      handshakeTimeout: 10_000,
      headersTimeout: 30_000,
      keepAliveTimeout: 90_000,
      // Commands of exec are part of the URL; the limit is that of Go's servers.
      maxHeaderSize: 1024 * 1024,
      noDelay: true,
      // As Go's servers: else the log of a silent container stays open for a client whose machine is gone.
      keepAlive: true,
      keepAliveInitialDelay: 15_000,
      allowHalfOpen: true,
      // What is no session is answered as if nobody had asked to upgrade, as Go's servers do.
      shouldUpgradeCallback: (request: IncomingMessage) => opensSession(request.url ?? ''),
    } as https.ServerOptions,
    (request, response) => api.handleRequest(node, request, response),
  )
  server.on('upgrade', (request, socket, head) => api.handleUpgrade(node, request, socket as Socket, head))
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  server.on('error', (error) =>
    api.log({ level: 'error', event: 'server-error', node: node.nodeName, error: error.message }),
  )
  const renew = () => server.setSecureContext(secureContext())
  const stops = [
    certificate.onRenewal(renew),
    api.onClientCA(() => {
      renew()
      // Whoever was not known by the old bundle may be by the new one, but only a new connection can tell.
      server.closeIdleConnections()
    }),
  ]

  return {
    listen: () =>
      new Promise((resolve, reject) => {
        server.once('error', reject)
        server.listen(port, address, () => {
          server.off('error', reject)
          const bound = server.address() as AddressInfo
          resolve({ address: bound.address, port: bound.port })
        })
      }),
    close: () =>
      new Promise((resolve) => {
        for (const stop of stops) stop()
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
}
