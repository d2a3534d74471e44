import type { Lease } from '@kosmos/kube'

/** Less is what a busy API server may take to tell. */
const TOLERABLE_MS = 60_000

interface Seen {
  readonly renewTime: string | undefined
  readonly aheadMs: number
  /** What it was at the renewal before; undefined: there was none while this process looked. */
  readonly beforeMs: number | undefined
}

/**
 * Which clocks of nodes are not in step with that of the root, by the moments that agents write into their Leases. One
 * renewal may have been told late, after a watch was interrupted; of two in a row the nearer one counts.
 */
export class NodeClocks {
  readonly #seen = new Map<string, Seen>()

  /** The Lease of a node has been renewed at `now`, ms since 1970. @returns whether it is right or wrong since then, or known */
  renewed({ metadata: { name }, spec }: Lease, now: number): boolean {
    const renewTime = spec?.renewTime
    const before = this.#seen.get(name)
    const aheadMs = Date.parse(renewTime ?? '') - now
    if (Number.isNaN(aheadMs) || before?.renewTime === renewTime) return false
    const was = signOf(this.aheadMs(name))
    this.#seen.set(name, { renewTime, aheadMs, beforeMs: before?.aheadMs })
    return was !== signOf(this.aheadMs(name))
  }

  gone(node: string): void {
    this.#seen.delete(node)
  }

  /** How far the clock of a node is ahead, in ms, negative: behind, 0: it is right; undefined: not known yet. */
  aheadMs(node: string): number | undefined {
    const { aheadMs, beforeMs } = this.#seen.get(node) ?? {}
    if (aheadMs === undefined || beforeMs === undefined) return undefined
    const nearer = Math.abs(aheadMs) < Math.abs(beforeMs) ? aheadMs : beforeMs
    return Math.sign(aheadMs) === Math.sign(beforeMs) && Math.abs(nearer) > TOLERABLE_MS ? nearer : 0
  }
}

const signOf = (ms: number | undefined): number | undefined => ms && Math.sign(ms)
