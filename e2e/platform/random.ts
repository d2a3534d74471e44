/** Random numbers that a seed repeats (mulberry32), so that a failed run can be played again. */
export function randomFrom(seed: number) {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
  return {
    /** An integer from 0 to `limit` - 1. */
    below: (limit: number): number => Math.floor(next() * limit),
  }
}

export type Random = ReturnType<typeof randomFrom>
