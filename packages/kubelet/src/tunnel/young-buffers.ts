/** Bytes that pass before their buffers are given back: less than V8 lets come together in a small heap before it marks all of it. */
const BYTES = 4 * 2 ** 20

let passed = 0

/**
 * Tells of bytes that were read and passed on. V8 counts the buffers of dead chunks towards its limit for the old generation,
 * but few objects come with them, so that a collection of the young ones, which frees them in a millisecond, comes too rarely; it
 * marks the whole heap instead, every ten mebibytes: two fifths of the CPU of a fast session. Needs `--expose-gc`.
 */
export function countPassed(bytes: number): void {
  passed += bytes
  if (passed < BYTES) return
  passed = 0
  globalThis.gc?.({ type: 'minor' })
}
