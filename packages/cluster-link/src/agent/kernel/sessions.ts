import type { NodeConfigSpec } from '@kosmos/api'
import { followRoaming } from '../wireguard/roaming.ts'
import { followSuccession } from '../wireguard/succession.ts'
import type { Observed } from './read.ts'
import type { KernelState, WireGuard } from './state.ts'

/** What sessions with peers are known by. */
interface Seen {
  readonly has: KernelState
  readonly handshakes: Observed['handshakes']
  /** What WireGuard was last told. */
  readonly lastSet: ReadonlyMap<string, WireGuard>
}

/** What is wanted, as far as it depends on who has called from where, and by which key. */
export function withSessions(
  wants: KernelState,
  { peers = [] }: NodeConfigSpec,
  { has, handshakes, lastSet }: Seen,
): KernelState {
  const followed = followSuccession(wants, peers, handshakes)
  return followRoaming(followed, has, { handshakes, now: Date.now() / 1000, lastSet })
}
