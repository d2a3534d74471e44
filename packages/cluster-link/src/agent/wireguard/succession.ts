import type { LinkPeer } from '@kosmos/api'
import type { Handshake } from '../kernel/parse-wireguard.ts'
import type { KernelState, WireGuard } from '../kernel/state.ts'

/**
 * A peer that goes over to another key is there by both, and its addresses are behind one of them: behind the next one as
 * soon as that has shaken hands, which it does only when the peer has gone over.
 */
export function followSuccession(
  wants: KernelState,
  peers: readonly LinkPeer[],
  handshakes: readonly Handshake[],
): KernelState {
  const wireGuards = new Map(wants.wireGuards)
  for (const peer of peers) {
    const { dev, publicKey, nextPublicKey } = peer
    const device = wireGuards.get(dev)
    const [before, next] = [device?.peers.get(publicKey), device?.peers.get(nextPublicKey ?? '')]
    if (!device || !before || !next || isAwaited(peer, handshakes)) continue
    const moved: WireGuard['peers'] = new Map(device.peers)
      .set(publicKey, { ...before, allowedIPs: [] })
      .set(next.publicKey, { ...next, allowedIPs: before.allowedIPs })
    wireGuards.set(dev, { ...device, peers: moved })
  }
  return { ...wants, wireGuards }
}

/** Whether a peer is to go over to another key, and has not. */
export function isAwaited({ dev, nextPublicKey }: LinkPeer, handshakes: readonly Handshake[]): boolean {
  if (nextPublicKey === undefined) return false
  return !handshakes.some((one) => one.dev === dev && one.publicKey === nextPublicKey && one.at > 0)
}
