/** Calls who only looks on (metrics, logs): what it throws becomes a process warning and changes nothing. */
export function observe<Arguments extends readonly unknown[]>(
  observer: ((...observed: Arguments) => void) | undefined,
  ...observed: Arguments
): void {
  try {
    observer?.(...observed)
  } catch (thrown) {
    process.emitWarning(errorOf(thrown))
  }
}

/** Anything can be thrown; what is not an Error becomes the message of one. */
export function errorOf(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown))
}
