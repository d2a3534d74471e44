import type { Peer, WireGuard } from '../kernel/state.ts'

/** A device as `wg syncconf` reads it. */
export function wireGuardConf({ port, peers }: WireGuard, privateKey: string): string {
  return [
    `[Interface]\nPrivateKey = ${privateKey}\nListenPort = ${port}\n`,
    ...[...peers.values()].sort((a, b) => (a.publicKey < b.publicKey ? -1 : 1)).map(peerSection),
  ].join('\n')
}

function peerSection({ publicKey, endpoint, allowedIPs, keepaliveSeconds }: Peer): string {
  return [
    '[Peer]',
    `PublicKey = ${publicKey}`,
    ...(endpoint === undefined ? [] : [`Endpoint = ${endpoint}`]),
    // Without the line it has none; an empty one is refused.
    ...(allowedIPs.length === 0 ? [] : [`AllowedIPs = ${allowedIPs.join(', ')}`]),
    `PersistentKeepalive = ${keepaliveSeconds ?? 'off'}`,
    '',
  ].join('\n')
}
