import type { Quantity, ResourceList } from '@kosmos/kube'
import { type Bin, hasRoom } from './room.ts'

/** Pods that are somewhere in a node, which does not tell of them yet. */
export interface Unseen {
  readonly count: number
  /** What they request together. */
  readonly requests: ResourceList
  /** Of each resource the most that one of them requests. */
  readonly largest: ResourceList
}

/**
 * Whether a pod has a machine wherever in the node the unseen ones were put: there are more machines with room for it than those
 * could have spoilt. All of them together spoil no more than what they request exceeds the slack of, and none with fewer of
 * them than it takes of the largest. Pure.
 */
export function isCertain(bins: readonly Bin[], requests: ResourceList, unseen: Unseen): boolean {
  const roomy = bins.filter(({ machines, free }) => machines > 0 && hasRoom(free, requests))
  const machines = roomy.reduce((sum, bin) => sum + bin.machines, 0)
  const asked = [...requests].filter(([, quantity]) => quantity.sign > 0)
  const bySum = asked.reduce((sum, [name, quantity]) => {
    const slacks = roomy.map((bin) => [slackOf(bin, name, quantity), bin.machines] as const)
    return sum + spoiltByAmount(unseen.requests.get(name)?.milliValue() ?? 0n, slacks)
  }, 0)
  const needed = roomy.map((bin) => [pushingOut(bin, asked, unseen.largest), bin.machines] as const)
  return machines > Math.min(bySum, spoiltByNumber(unseen.count, needed))
}

/** What is left of a resource beside the pod. */
const slackOf = ({ free }: Bin, name: string, requested: Quantity): bigint =>
  (free.get(name)?.milliValue() ?? 0n) - requested.milliValue()

/** How many of the largest pods it takes at least until a machine lacks something. */
function pushingOut(bin: Bin, asked: readonly (readonly [string, Quantity])[], largest: ResourceList): number {
  const counts = asked.flatMap(([name, quantity]) => {
    const most = largest.get(name)?.milliValue() ?? 0n
    return most > 0n ? [Number(slackOf(bin, name, quantity) / most) + 1] : []
  })
  return Math.min(...counts, Number.POSITIVE_INFINITY)
}

/** How many machines lack a resource when so much of it is taken, where that hurts most. */
function spoiltByAmount(budget: bigint, slacks: readonly (readonly [slack: bigint, machines: number])[]): number {
  let [left, spoilt] = [budget, 0]
  for (const [slack, machines] of [...slacks].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))) {
    if (left <= 0n) return spoilt
    // Each takes more than its slack, if as little more as you like.
    const able = slack === 0n ? machines : Math.min(machines, Number((left - 1n) / slack))
    left -= slack * BigInt(able)
    spoilt += able
    if (able < machines) return spoilt
  }
  return spoilt
}

/** How many machines so many pods can spoil. */
function spoiltByNumber(count: number, needed: readonly (readonly [pods: number, machines: number])[]): number {
  let [left, spoilt] = [count, 0]
  for (const [pods, machines] of [...needed].sort(([a], [b]) => a - b)) {
    const able = Math.min(machines, Math.floor(left / pods))
    if (able === 0) return spoilt
    left -= pods * able
    spoilt += able
  }
  return spoilt
}
