/** What a machine has or a pod asks for: thousandths of a core, MiB, and pods. */
export interface Amounts {
  readonly cpu: number
  readonly memory: number
  readonly pods: number
}

const machine = (cores: number, gib: number): Amounts => ({ cpu: cores * 1000, memory: gib * 1024, pods: 110 })
const pod = (cpu: number, memory: number): Amounts => ({ cpu, memory, pods: 1 })

/** The machines of a leaf: many small ones, a few large ones, one with much memory. */
export const machinesOfLeaf: readonly Amounts[] = [
  ...Array.from({ length: 6 }, () => machine(8, 32)),
  ...Array.from({ length: 4 }, () => machine(16, 64)),
  ...Array.from({ length: 2 }, () => machine(32, 128)),
  machine(16, 256),
]

/** Shapes of pods, and how many of a hundred have it. */
const mix: readonly (readonly [share: number, shape: Amounts])[] = [
  [30, pod(250, 512)],
  [20, pod(1000, 2048)],
  [15, pod(2000, 8192)],
  [10, pod(4000, 4096)],
  [12, pod(8000, 16_384)],
  [5, pod(2000, 24_576)],
  [8, pod(16_000, 32_768)],
]

/** @param random from 0 to 1 */
export function shapeOf(random: number): Amounts {
  let left = random * 100
  for (const [share, shape] of mix) {
    left -= share
    if (left < 0) return shape
  }
  return pod(250, 512)
}

export const nothing: Amounts = { cpu: 0, memory: 0, pods: 0 }
export const plus = (a: Amounts, b: Amounts): Amounts => ({
  cpu: a.cpu + b.cpu,
  memory: a.memory + b.memory,
  pods: a.pods + b.pods,
})
export const minus = (a: Amounts, b: Amounts): Amounts => ({
  cpu: a.cpu - b.cpu,
  memory: a.memory - b.memory,
  pods: a.pods - b.pods,
})
export const fits = (free: Amounts, asked: Amounts): boolean =>
  free.cpu >= asked.cpu && free.memory >= asked.memory && free.pods >= asked.pods

/** The larger of the shares of cpu and memory that are used. */
export const useOf = (used: Amounts, all: Amounts): number => Math.max(used.cpu / all.cpu, used.memory / all.memory)

/** Numbers from 0 to 1 that are the same in every run (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}
