import { isAwaited } from '../wireguard/succession.ts'
import { diff } from './diff.ts'
import type { HeldKernel } from './held.ts'
import { parseWireGuard } from './parse-wireguard.ts'
import { withSessions } from './sessions.ts'
import { keyedBy, nothing } from './state.ts'
import type { Step } from './step.ts'
import { writeKernel } from './write.ts'

export interface Succession {
  readonly steps: readonly Step[]
  /** Whether there are peers that have not gone over yet. */
  readonly isAwaiting: boolean
}

/** Goes along with peers that have gone over to their next keys; only WireGuard is read for that. */
export async function succeed({ shell, programs, last, lastSet }: HeldKernel): Promise<Succession> {
  const waiting = last?.spec.peers?.filter(({ nextPublicKey }) => nextPublicKey !== undefined) ?? []
  if (!last || waiting.length === 0) return { steps: [], isAwaiting: false }
  const dump = parseWireGuard(await shell.run(['wg', 'show', 'all', 'dump']), new Set(lastSet.keys()))
  const { handshakes } = dump
  const has = { ...nothing, wireGuards: keyedBy(dump.wireGuards, ({ dev }) => dev) }
  const wants = { ...nothing, wireGuards: lastSet }
  const steps = diff(has, withSessions(wants, last.spec, { has, handshakes, lastSet }))
  await writeKernel(shell, programs, steps)
  return { steps, isAwaiting: waiting.some((peer) => isAwaited(peer, handshakes)) }
}
