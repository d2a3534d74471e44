import type { Handshake } from '../kernel/parse-wireguard.ts'
import type { KernelState, Peer, WireGuard } from '../kernel/state.ts'

/** After that many seconds without a handshake a session is dead (REJECT_AFTER_TIME of WireGuard). */
const sessionSeconds = 180

export interface Sessions {
  readonly handshakes: readonly Handshake[]
  /** Seconds since 1970. */
  readonly now: number
  /** What the agent set last; it wants something else now when it differs. */
  readonly lastSet: ReadonlyMap<string, WireGuard>
}

/** WireGuard follows a peer that calls from a new address; as long as that works, the address stays. */
export function followRoaming(wants: KernelState, has: KernelState, sessions: Sessions): KernelState {
  const wireGuards = [...wants.wireGuards].map(([dev, wanted]): [string, WireGuard] => {
    const peers = [...wanted.peers].map(([key, peer]): [string, Peer] => {
      const there = has.wireGuards.get(dev)?.peers.get(key)
      const isNew = isChanged(sessions.lastSet.get(dev)?.peers.get(key), peer)
      if (there?.endpoint === undefined) return [key, peer]
      // Who has to call first is where it called from.
      const stays = peer.endpoint === undefined || (!isNew && isAlive(dev, key, sessions))
      return [key, stays ? { ...peer, endpoint: there.endpoint } : peer]
    })
    return [dev, { ...wanted, peers: new Map(peers) }]
  })
  return { ...wants, wireGuards: new Map(wireGuards) }
}

function isChanged(before: Peer | undefined, after: Peer): boolean {
  return before !== undefined && before.endpoint !== after.endpoint
}

function isAlive(dev: string, publicKey: string, { handshakes, now }: Sessions): boolean {
  const handshake = handshakes.find((other) => other.dev === dev && other.publicKey === publicKey)
  return handshake !== undefined && now - handshake.at < sessionSeconds
}
