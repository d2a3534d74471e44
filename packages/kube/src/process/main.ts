import { createLog, type Log, type LogLevel } from './log.ts'

/**
 * The whole of a process: reads its options, works until TERM or INT, and ends with 0 done, 1 failed, 2 wrong usage. What
 * it says goes to stderr.
 */
export async function runProcess<Options extends { readonly logLevel: LogLevel }>(
  parse: (args: readonly string[], env: NodeJS.ProcessEnv) => Options,
  work: (options: Options, log: Log, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const stop = new AbortController()
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort())
  try {
    const options = parse(process.argv.slice(2), process.env)
    const log = createLog(options.logLevel)
    try {
      await work(options, log, stop.signal)
      log('info', 'process.ended')
    } catch (error) {
      log('error', 'process.failed', { reason: (error as Error).message })
      process.exitCode = 1
    }
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`)
    process.exitCode = 2
  }
}
