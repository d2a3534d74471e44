import type { LinkPeer } from '@kosmos/api'
import type { HandshakeFigures, TunnelFigures } from './figures.ts'

export interface PeerFigures {
  readonly tunnels: readonly TunnelFigures[]
  readonly handshakes: readonly HandshakeFigures[]
}

/** What WireGuard has counted for the peers of the plan. @param dump `wg show all dump` */
export function parsePeers(dump: string, peers: readonly LinkPeer[]): PeerFigures {
  const ends = new Map(peers.map(({ dev, publicKey, allowedIPs }) => [`${dev} ${publicKey}`, endOf(allowedIPs)]))
  const rows = dump.split('\n').flatMap((line) => {
    const [device = '', publicKey = '', , , , at, received, sent, ...rest] = line.split('\t')
    const end = ends.get(`${device} ${publicKey}`)
    // A row of a peer ends with the keepalive.
    return end === undefined || rest.length !== 1
      ? []
      : [{ device, end, at: Number(at), received: Number(received), sent: Number(sent) }]
  })
  return {
    tunnels: rows.flatMap(({ device, end, received, sent }) => [
      { device, end, direction: 'receive' as const, bytes: received },
      { device, end, direction: 'transmit' as const, bytes: sent },
    ]),
    // 0: never.
    handshakes: rows.flatMap(({ device, end, at }) => (at > 0 ? [{ device, end, at }] : [])),
  }
}

/** The secure address of the peer is the only one behind it. */
const endOf = ([first = '']: readonly string[]): string => first.split('/')[0] ?? first
