import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type ServerOptions } from 'node:https'
import { type AddressInfo, connect, createServer as createTcpServer, isIP, type Server, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { type Authority, type Credential, createAuthority } from '@kosmos/testbed'
import { KubeConfig } from '@kubernetes/client-node'

/** Of transports: on a busy machine TLS takes seconds. */
export const unhurried = { connectTimeoutMs: 60_000 } as const

/** Certificates of a server under 127.0.0.1 and api.example, and of one client. */
export interface Certificates {
  readonly authority: Authority
  readonly server: Credential
  readonly client: Credential
}

export async function createCertificates(): Promise<Certificates> {
  const authority = await createAuthority('peer')
  const [server, client] = await Promise.all([
    authority.issue({ commonName: 'server', hosts: ['127.0.0.1', 'localhost', 'api.example'] }),
    authority.issue({ commonName: 'alice', client: true }),
  ])
  return { authority, server, client }
}

export interface Peer {
  readonly url: string
  readonly port: number
  /** Connections that are open now. */
  readonly sockets: ReadonlySet<Socket>
  /** What it was asked, oldest first. */
  readonly asked: readonly { readonly line: string; readonly authorization?: string; readonly login?: string }[]
  close(): void
}

/** A TLS server that answers as the test says: something at the other end of a connection, not an API server. */
export async function startPeer(
  t: Pick<TestContext, 'after'>,
  { server, authority }: Certificates,
  answer: (request: IncomingMessage, response: ServerResponse) => void,
  options: ServerOptions = {},
): Promise<Peer> {
  const asked: { line: string; authorization?: string; login?: string }[] = []
  const https = createServer(
    {
      cert: server.certificate,
      key: server.key,
      ca: authority.certificate,
      requestCert: true,
      rejectUnauthorized: false,
      ...options,
    },
    (request, response) => {
      const { authorization } = request.headers
      const subject = (request.socket as TLSSocket).getPeerCertificate().subject
      asked.push({
        line: `${request.method} ${request.url}`,
        ...(authorization && { authorization }),
        ...(subject && { login: String(subject.CN) }),
      })
      answer(request, response)
    },
  )
  const { port, sockets, close } = await listen(t, https)
  return { url: `https://127.0.0.1:${port}`, port, sockets, asked, close }
}

/** A TCP server whose connections end with the test. */
export async function startTcp(t: Pick<TestContext, 'after'>, onSocket: (socket: Socket) => void) {
  return await listen(t, createTcpServer(onSocket))
}

async function listen(t: Pick<TestContext, 'after'>, server: Server) {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
  })
  server.on('tlsClientError', () => {})
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const close = () => {
    server.close()
    for (const socket of sockets) socket.destroy()
  }
  t.after(close)
  return { port: (server.address() as AddressInfo).port, sockets, close }
}

/** A port of the loopback on which nobody listens. */
export async function deadPort(t: Pick<TestContext, 'after'>): Promise<number> {
  const { port, close } = await startTcp(t, () => {})
  close()
  return port
}

/** An HTTP proxy that knows CONNECT; `tunnels` are the targets it was asked for. */
export async function startConnectProxy(t: Pick<TestContext, 'after'>) {
  const tunnels: string[] = []
  const { port } = await startTcp(t, (client) => {
    client.once('data', (head) => {
      const target = /^CONNECT (\S+):(\d+) HTTP/.exec(head.toString('latin1'))
      if (!target?.[1]) {
        client.end('HTTP/1.1 405 Method Not Allowed\r\n\r\n')
        return
      }
      tunnels.push(`${target[1]}:${target[2]}`)
      join(client, target[1], Number(target[2]), () => client.write('HTTP/1.1 200 Connection established\r\n\r\n'))
    })
  })
  return { url: `http://127.0.0.1:${port}`, tunnels }
}

/** A SOCKS5 proxy without login (RFC 1928) for IPv4 addresses and names. */
export async function startSocksProxy(t: Pick<TestContext, 'after'>) {
  const tunnels: string[] = []
  const { port } = await startTcp(t, (client) => {
    client.once('data', () => {
      client.write(Buffer.from([5, 0]))
      client.once('data', (request: Buffer) => {
        const named = request[3] === 3
        const length = named ? 1 + (request[4] ?? 0) : 4
        const host = named ? request.toString('latin1', 5, 4 + length) : [...request.subarray(4, 8)].join('.')
        const target = request.readUInt16BE(4 + length)
        tunnels.push(`${host}:${target}`)
        join(client, host, target, () => client.write(Buffer.from([5, 0, 0, 1, 127, 0, 0, 1, 0, 0])))
      })
    })
  })
  return { url: `socks5://127.0.0.1:${port}`, tunnels }
}

/** Names lead to this machine. */
function join(client: Socket, host: string, port: number, onOpen: () => void): void {
  const upstream = connect(port, isIP(host) ? host : '127.0.0.1', () => {
    onOpen()
    client.pipe(upstream).pipe(client)
  })
  upstream.on('error', () => client.destroy())
  client.on('close', () => upstream.destroy())
}

/** A kubeconfig for a server, in client-node's words. */
export function configFor(
  server: string,
  cluster: Partial<NonNullable<ReturnType<KubeConfig['getCurrentCluster']>>> = {},
  user: Partial<NonNullable<ReturnType<KubeConfig['getCurrentUser']>>> = {},
): KubeConfig {
  const config = new KubeConfig()
  config.loadFromClusterAndUser({ name: 'c', server, ...cluster } as never, { name: 'u', ...user } as never)
  return config
}

export const base64 = (text: string) => Buffer.from(text).toString('base64')
