import https from 'node:https'
import net from 'node:net'
import tls from 'node:tls'
import type { Connection } from '@kosmos/kube'

/** How a connection that is upgraded is opened, see {@link Connection.upgradeOptions}. */
type OpenOptions = Omit<Awaited<ReturnType<Connection['upgradeOptions']>>, 'headers'>

/** At most one open connection to each leaf that nothing has been asked on, for the session that comes next. */
export interface Spares {
  /** The spare one, if it is as good as a new one with these options. */
  take(connection: Connection, options: OpenOptions): tls.TLSSocket | undefined
  /** Opens one unless there is one. */
  prepare(connection: Connection, options: OpenOptions): void
}

interface Spare {
  readonly socket: tls.TLSSocket
  /** What it was opened with: whoever logs in by a certificate has done so already. */
  readonly login: tls.SecureContext
  readonly isOpen: () => boolean
}

/** Less than API servers wait for a first request (32 s, ReadHeaderTimeout of k8s.io/apiserver), and than firewalls forget. */
const KEPT_MS = 20_000

export function createSpares(keptMs = KEPT_MS): Spares {
  const spares = new Map<Connection, Spare>()
  return {
    take(connection, { secureContext }) {
      const spare = spares.get(connection)
      if (!spare) return undefined
      if (spare.login === secureContext && !connection.closed && spare.isOpen()) {
        spares.delete(connection)
        return spare.socket.ref()
      }
      spare.socket.destroy()
      return undefined
    },
    prepare(connection, options) {
      const { secureContext: login, agent, protocol } = options
      // An agent of another kind goes by a proxy.
      const isDirect = protocol === 'https:' && agent instanceof https.Agent && agent.constructor === https.Agent
      if (!login || !isDirect || connection.closed || spares.has(connection)) return
      const socket = open(options, login).unref()
      let isOpen = false
      const spare = { socket, login, isOpen: () => isOpen && !socket.destroyed }
      spares.set(connection, spare)
      const giveUp = () => {
        if (spares.get(connection) === spare) socket.destroy()
      }
      const timer = setTimeout(giveUp, keptMs).unref()
      socket.once('secureConnect', () => {
        isOpen = true
      })
      // Nobody has asked for anything: what comes is a good-bye.
      socket.once('data', giveUp).once('end', giveUp)
      socket.on('error', () => socket.destroy())
      socket.once('close', () => {
        clearTimeout(timer)
        if (spares.get(connection) === spare) spares.delete(connection)
      })
    },
  }
}

function open({ host, port, servername, rejectUnauthorized }: OpenOptions, secureContext: tls.SecureContext) {
  const name = servername ?? (net.isIP(host) ? undefined : host)
  return tls.connect({
    host,
    port: Number(port),
    secureContext,
    ...(name && { servername: name }),
    ...(rejectUnauthorized !== undefined && { rejectUnauthorized }),
    ALPNProtocols: ['http/1.1'],
    allowHalfOpen: true,
  } as tls.ConnectionOptions)
}
