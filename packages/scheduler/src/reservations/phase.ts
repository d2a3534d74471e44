/** Whether a pod that waits has a node kept for it now, and when that ends or begins. */
export interface Phase {
  readonly isKeeping: boolean
  readonly endsWithinMs: number
}

/** After so many doublings a node is kept, and left open, for 64 times the first while. */
const MOST_DOUBLINGS = 6

/**
 * From a first while on a node is kept for a pod, for as long as that again, then left to all for as long, then kept for twice as long, and so
 * on: a pod for which it is of no use costs others half of the time at most, and pods that each end within the longest
 * while keep no larger one waiting for ever. Pure, by how long the pod has waited alone, so that a new leader goes on with it.
 */
export function phaseAt(waitedMs: number, firstMs: number): Phase {
  if (waitedMs < firstMs) return { isKeeping: false, endsWithinMs: atLeastOne(firstMs - waitedMs) }
  const doublings = Math.min(Math.floor(Math.log2((waitedMs + firstMs) / (2 * firstMs))), MOST_DOUBLINGS)
  // In milliseconds, since fractions of the first while would round the end of a phase up to the next.
  const length = 2 ** doublings * firstMs
  const into = (waitedMs + firstMs - 2 * length) % (2 * length)
  const isKeeping = into < length
  return { isKeeping, endsWithinMs: atLeastOne((isKeeping ? 1 : 2) * length - into) }
}

const atLeastOne = (ms: number): number => Math.max(Math.ceil(ms), 1)
