/** Seconds that one package takes on one core, compiling and linking taken together; measured on Kubernetes. */
const typicalCoreSeconds = 0.28

export interface BuildState {
  /** Packages compiled so far, and in all. */
  readonly done: number
  readonly total: number
  readonly elapsedSeconds: number
  readonly cores: number
}

/** How many seconds a build still takes: at first from experience, then more and more from its own pace. */
export function remainingSeconds({ done, total, elapsedSeconds, cores }: BuildState): number {
  const left = Math.max(0, total - done)
  if (left === 0) return 0
  const typical = typicalCoreSeconds / cores
  const weight = done / total
  const pace = done === 0 ? typical : weight * (elapsedSeconds / done) + (1 - weight) * typical
  return Math.ceil(left * pace)
}

/** `40 s`, `3 min`. */
export function duration(seconds: number): string {
  return seconds < 100 ? `${Math.ceil(seconds)} s` : `${Math.round(seconds / 60)} min`
}
