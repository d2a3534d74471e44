import { canonicalNetwork } from '../net/cidr.ts'
import { keyedBy, type Peer, type WireGuard } from './state.ts'

export interface Handshake {
  readonly dev: string
  readonly publicKey: string
  /** Seconds since 1970; 0: never. */
  readonly at: number
}

export interface WireGuardDump {
  readonly wireGuards: readonly WireGuard[]
  readonly handshakes: readonly Handshake[]
}

/** `wg show all dump`; private and preshared keys are left where they are. */
export function parseWireGuard(dump: string, ours: ReadonlySet<string>): WireGuardDump {
  const rows = dump.split('\n').map((line) => line.split('\t'))
  const interfaces = rows.filter(({ length, 0: dev = '' }) => length === 5 && ours.has(dev))
  const peers = rows.filter(({ length, 0: dev = '' }) => length === 9 && ours.has(dev))
  return {
    wireGuards: interfaces.map(([dev = '', , publicKey = '', port]) => ({
      dev,
      publicKey,
      port: Number(port),
      peers: keyedBy(peers.filter((peer) => peer[0] === dev).map(peerOf), (peer) => peer.publicKey),
    })),
    handshakes: peers.map(([dev = '', publicKey = '', , , , at]) => ({ dev, publicKey, at: Number(at) })),
  }
}

function peerOf([, publicKey = '', , endpoint = '', allowedIPs = '', , , , keepalive = '']: string[]): Peer {
  return {
    publicKey,
    ...(endpoint !== '(none)' && { endpoint }),
    allowedIPs: allowedIPs === '(none)' ? [] : allowedIPs.split(',').map(canonicalNetwork).sort(),
    ...(keepalive !== 'off' && { keepaliveSeconds: Number(keepalive) }),
  }
}
