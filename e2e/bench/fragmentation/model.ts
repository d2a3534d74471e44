import { Leaf } from './leaf.ts'
import { KosmosRoot, type Root, StockRoot } from './roots.ts'
import { type Amounts, fits, machinesOfLeaf, minus, nothing, plus, seeded, shapeOf, useOf } from './shapes.ts'

export interface ModelOptions {
  readonly leaves: number
  /** Pods that are created. */
  readonly pods: number
  /** So much of cpu or memory all pods that are there ask for. */
  readonly use: number
  readonly seed: number
}

/** What became of the pods on one side. */
export interface Side {
  /** Pods that were given to a leaf. */
  readonly placements: number
  /** Pods that their leaf had no machine for when they came. */
  readonly pendingInLeaf: number
  readonly pendingShare: number
  /** Pods that waited in the root before they were given to a leaf. */
  readonly waitedInRoot: number
  /** Of those of 16 cores, the longest, in seconds; one that waits at the end as well. */
  readonly longestWaitOfLarge: number
  /** How much of cpu or memory pods used that ran, on average since the leaves have filled. */
  readonly density: number
  /** The same if all pods that were there were packed at once by one who sees all machines: first fit, the largest first. */
  readonly bound: number
}

/** A virtual node says what it has every five seconds at most. */
const PUBLISHED_EVERY = 5
/** Pods that come in a second, and the seconds that one runs. */
const BURST = 20
const LIFETIME = 600
/** Thousandths of a core. */
export const LARGE = 16_000

interface LivePod {
  readonly asked: Amounts
  readonly lifetime: number
  state: 'waiting' | 'bound' | 'pending' | 'running'
  leaf: string | undefined
  endsAt: number
  readonly createdAt: number
  hasWaited: boolean
}

export type Scheduler = 'stock' | 'kosmos'

/**
 * Pods of mixed shapes come and go in leaves of unequal machines, second by second. Leaves schedule by kube-scheduler's defaults; the
 * root by the same, or by the decisions of Kosmos.
 */
export function run(scheduler: Scheduler, { leaves: count, pods, use, seed }: ModelOptions): Side {
  let now = 0
  const random = seeded(seed)
  const leaves = Array.from({ length: count }, (_, i) => new Leaf(`leaf${i}`))
  const byName = new Map(leaves.map((leaf) => [leaf.name, leaf]))
  const all = leaves.reduce((sum, leaf) => plus(sum, leaf.all), nothing)
  const root: Root = scheduler === 'stock' ? new StockRoot(leaves) : new KosmosRoot(() => now * 1000)
  for (const leaf of leaves) root.published(leaf)
  const live = new Map<string, LivePod>()
  const asked = () => [...live.values()].reduce((sum, pod) => plus(sum, pod.asked), nothing)
  let [created, placements, pendingInLeaf, waitedInRoot, density, bound, seconds] = [0, 0, 0, 0, 0, 0, 0]
  let isFull = false
  let longestWaitOfLarge = 0

  for (; created < pods; now++) {
    // What was bound a second ago has come to its leaf; what is Pending there is tried again.
    for (const [name, pod] of live) {
      if (pod.state !== 'bound' && pod.state !== 'pending') continue
      if (byName.get(pod.leaf ?? '')?.start(name, pod.asked)) {
        pod.state = 'running'
        pod.endsAt = now + pod.lifetime
        root.started(name)
      } else if (pod.state === 'bound') {
        pod.state = 'pending'
        pendingInLeaf++
      }
    }
    for (const [name, pod] of live) {
      if (pod.state !== 'running' || pod.endsAt > now) continue
      byName.get(pod.leaf ?? '')?.end(name)
      root.ended(name)
      live.delete(name)
    }
    for (const [i, leaf] of leaves.entries()) if ((now + i) % PUBLISHED_EVERY === 0) root.published(leaf)
    let sum = asked()
    for (let i = 0; i < BURST && created < pods; i++) {
      const shape = shapeOf(random())
      const lifetime = LIFETIME * (0.5 + random())
      const more = plus(sum, shape)
      if (useOf(more, all) > use) {
        isFull = true
        break
      }
      sum = more
      live.set(`pod-${created++}`, {
        asked: shape,
        lifetime,
        state: 'waiting',
        leaf: undefined,
        endsAt: 0,
        createdAt: now,
        hasWaited: false,
      })
    }
    for (const [name, pod] of live) {
      if (pod.state !== 'waiting') continue
      if (pod.asked.cpu === LARGE) longestWaitOfLarge = Math.max(longestWaitOfLarge, now - pod.createdAt)
      pod.leaf = root.place(name, pod.asked)
      if (pod.leaf === undefined) {
        if (!pod.hasWaited) waitedInRoot++
        pod.hasWaited = true
        continue
      }
      pod.state = 'bound'
      placements++
    }
    if (!isFull) continue
    density += useOf(
      leaves.reduce((used, leaf) => plus(used, leaf.used), nothing),
      all,
    )
    const asking = [...live.values()].map((pod) => pod.asked)
    bound += useOf(packedAtOnce(asking, count), all)
    seconds++
  }
  return {
    placements,
    pendingInLeaf,
    pendingShare: pendingInLeaf / placements,
    waitedInRoot,
    longestWaitOfLarge,
    density: density / Math.max(seconds, 1),
    bound: bound / Math.max(seconds, 1),
  }
}

/** What of these pods has room in so many leaves. */
export function packedAtOnce(pods: readonly Amounts[], leaves: number): Amounts {
  const free = Array.from({ length: leaves }, () => machinesOfLeaf).flat()
  const all = free.reduce(plus, nothing)
  let used = nothing
  for (const pod of [...pods].sort((a, b) => useOf(b, all) - useOf(a, all))) {
    const at = free.findIndex((one) => fits(one, pod))
    const one = free[at]
    if (one === undefined) continue
    free[at] = minus(one, pod)
    used = plus(used, pod)
  }
  return used
}
