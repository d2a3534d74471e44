import type { NextHopStatus } from '@kosmos/api'

/** What an agent says of its next hops, at one version of its NodeConfig. */
export interface SaidOfNextHops {
  readonly version: string
  readonly nextHops: readonly NextHopStatus[]
  /** Whether it is known from before this process that some do not answer. */
  readonly isKnown: boolean
}

/** Addresses of next hops that stopped, or started again, to answer. */
export interface NextHopNews {
  readonly silent: readonly string[]
  readonly answering: readonly string[]
  /** When to look again, if nothing is heard before. */
  readonly lookAfterMs?: number
}

/** How long silence has to last to be told: a tunnel that is being made is silent for a moment at one end. */
export const silenceMs = 5_000

interface Memory {
  readonly version: string
  /** When it was first seen to be silent, and whether that was told. */
  readonly silent: ReadonlyMap<string, { readonly since: number; readonly isTold: boolean }>
}

/** Remembers of each node who was silent, and tells what is news. */
export class NextHopWatch {
  readonly #memories = new Map<string, Memory>()

  /** @param now milliseconds, of one clock */
  look(node: string, { version, nextHops, isKnown }: SaidOfNextHops, now: number): NextHopNews {
    const before = this.#memories.get(node)
    const waits = [...(before?.silent.values() ?? [])].some(({ isTold }) => !isTold)
    if (before?.version === version && !waits) return { silent: [], answering: [] }
    // Asked, and an answer was due.
    const asked = nextHops.filter(({ lastProbeTime }) => lastProbeTime !== undefined)
    const isOld = before === undefined && isKnown
    const silent = new Map(
      asked
        .filter(({ reachable }) => !reachable)
        .map(({ address }) => {
          const { since = now, isTold = isOld } = before?.silent.get(address) ?? {}
          return [address, { since, isTold: isTold || now - since >= silenceMs }]
        }),
    )
    this.#memories.set(node, { version, silent })
    const isNews = (address: string) => before?.silent.get(address)?.isTold !== true && !isOld
    const pending = [...silent.values()].filter(({ isTold }) => !isTold).map(({ since }) => since + silenceMs - now)
    return {
      silent: [...silent].filter(([address, { isTold }]) => isTold && isNews(address)).map(([address]) => address),
      answering: asked
        .filter(({ address, reachable }) => reachable && before?.silent.get(address)?.isTold)
        .map(({ address }) => address),
      ...(pending.length > 0 && { lookAfterMs: Math.max(1, Math.min(...pending)) }),
    }
  }

  /** Of nodes that are no more nothing is remembered. */
  keep(isThere: (node: string) => boolean): void {
    for (const node of this.#memories.keys()) if (!isThere(node)) this.#memories.delete(node)
  }
}
