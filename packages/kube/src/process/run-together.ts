/**
 * Runs parts of which none is of use without the others, until the signal aborts. When one fails, all are told to end; it
 * rejects with the first failure once all have ended, as errgroup of golang.org/x/sync does.
 */
export async function runTogether(
  signal: AbortSignal,
  parts: readonly ((signal: AbortSignal) => Promise<unknown>)[],
): Promise<void> {
  const failed = new AbortController()
  const joint = AbortSignal.any([signal, failed.signal])
  await Promise.all(
    parts.map(async (part) => {
      try {
        await part(joint)
      } catch (error) {
        // The first reason stays.
        failed.abort(error)
      }
    }),
  )
  failed.signal.throwIfAborted()
}
