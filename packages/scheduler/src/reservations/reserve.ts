import { phaseAt } from './phase.ts'
import { isBefore, type Turn } from './turn.ts'

/** A pod that no node has room for. */
export interface Waiting {
  readonly turn: Turn
  /** Nodes one of which it waits for. */
  readonly awaited: readonly string[]
  /** How much it lacks on a node, from 0 to 1; undefined: the node could not hold it if it were empty. */
  readonly lackOn: (node: string) => number | undefined
}

export interface Reserved {
  /** For whom which node is kept. */
  readonly kept: ReadonlyMap<string, Turn>
  /** When that is otherwise although nothing is told, in milliseconds since the epoch. */
  readonly changesAt: number
}

/**
 * Which nodes are kept for pods that have waited for room: for each, in the order of their turns, the one where it lacks least. One that
 * might go to a node that is kept already waits behind that one's pod, so that no second node is kept for pods of the same choice. What could hold a pod nowhere keeps nothing. Pure.
 */
export function reserve(waiting: readonly Waiting[], now: number, afterMs: number): Reserved {
  const kept = new Map<string, Turn>()
  let changesAt = Number.POSITIVE_INFINITY
  for (const { turn, awaited, lackOn } of [...waiting].sort((a, b) => (isBefore(a.turn, b.turn) ? -1 : 1))) {
    const { isKeeping, endsWithinMs } = phaseAt(now - turn.since, afterMs)
    changesAt = Math.min(changesAt, now + endsWithinMs)
    if (!isKeeping || awaited.some((node) => kept.has(node))) continue
    const node = closest(awaited, lackOn)
    if (node !== undefined) kept.set(node, turn)
  }
  return { kept, changesAt }
}

/**
 * Until when the same nodes are kept for the same pods although one more waits; undefined: it is to be worked out anew. Pure.
 */
export function unchangedUntil(
  { kept, changesAt }: Reserved,
  { turn, awaited }: Waiting,
  now: number,
  afterMs: number,
): number | undefined {
  const { isKeeping, endsWithinMs } = phaseAt(now - turn.since, afterMs)
  const isBehind = awaited.some((node) => {
    const owner = kept.get(node)
    return owner !== undefined && isBefore(owner, turn)
  })
  return isKeeping && !isBehind ? undefined : Math.min(changesAt, now + endsWithinMs)
}

function closest(nodes: readonly string[], lackOn: Waiting['lackOn']): string | undefined {
  let best: { readonly node: string; readonly lack: number } | undefined
  for (const node of nodes) {
    const lack = lackOn(node)
    if (lack === undefined) continue
    if (best === undefined || lack < best.lack || (lack === best.lack && node < best.node)) best = { node, lack }
  }
  return best?.node
}
