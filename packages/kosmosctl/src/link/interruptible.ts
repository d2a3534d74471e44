/** Work that cleans up after itself when somebody types Ctrl-C, if there is anything to clean up; the second one ends us at once. */
export async function interruptible<T>(leavesTraces: boolean, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const interrupted = new AbortController()
  const interrupt = () => interrupted.abort()
  if (leavesTraces) process.once('SIGINT', interrupt)
  try {
    return await work(interrupted.signal)
  } finally {
    process.removeListener('SIGINT', interrupt)
  }
}
