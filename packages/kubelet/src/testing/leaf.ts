import https from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { Connection, createTransport, loadKubeConfig } from '@kosmos/kube'
import { x509 } from '@kosmos/kube/certificates'
import { createTestAuthority } from './authority.ts'

/** Another end for bytes, which speaks HTTP as the test says. It stands for no Kubernetes API. */
export interface Peer {
  readonly server: https.Server
  readonly connection: Connection
  readonly sockets: ReadonlySet<Socket>
  close(): Promise<void>
}

export async function startPeer(): Promise<Peer> {
  const ca = await createTestAuthority('peer-ca')
  const credential = await ca.issue({
    commonName: 'peer',
    hosts: ['127.0.0.1'],
    usage: x509.ExtendedKeyUsage.serverAuth,
  })
  const server = https.createServer({ ...credential, allowHalfOpen: true } as https.ServerOptions)
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const connection = await connectionTo(port, ca.pem)
  return {
    server,
    connection,
    sockets,
    async close() {
      await connection.close()
      for (const socket of sockets) socket.destroy()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

/** A connection as for a leaf: token login, TLS verified by `ca`. */
async function connectionTo(port: number, ca: string): Promise<Connection> {
  const kubeconfig = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: 'leaf',
        cluster: {
          server: `https://127.0.0.1:${port}/prefix`,
          'certificate-authority-data': Buffer.from(ca).toString('base64'),
        },
      },
    ],
    users: [{ name: 'kosmos', user: { token: 'leaf-token' } }],
    contexts: [{ name: 'leaf', context: { cluster: 'leaf', user: 'kosmos' } }],
    'current-context': 'leaf',
  }
  return new Connection('leaf1', await createTransport(loadKubeConfig({ text: JSON.stringify(kubeconfig) })))
}
