import { type Amounts, fits, minus, plus } from './shapes.ts'

/** A node as kube-scheduler sees it. */
export interface Place {
  readonly all: Amounts
  readonly used: Amounts
}

/**
 * The node that kube-scheduler would choose by its defaults that concern resources: those with room, then LeastAllocated and
 * BalancedAllocation of noderesources, each from 0 to 100; undefined: none has room.
 */
export function choice(places: readonly Place[], asked: Amounts): number | undefined {
  let best: { readonly index: number; readonly score: number } | undefined
  for (const [index, { all, used }] of places.entries()) {
    if (!fits(minus(all, used), asked)) continue
    const score = scoreOf(all, plus(used, asked))
    if (best === undefined || score > best.score) best = { index, score }
  }
  return best?.index
}

function scoreOf(all: Amounts, used: Amounts): number {
  const shares = [used.cpu / all.cpu, used.memory / all.memory] as const
  const leastAllocated = (1 - (shares[0] + shares[1]) / 2) * 100
  // The standard deviation of two is half of their difference.
  const balanced = (1 - Math.abs(shares[0] - shares[1]) / 2) * 100
  return Math.floor(leastAllocated) + Math.floor(balanced)
}
