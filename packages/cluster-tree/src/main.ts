import { createLog } from './process/log.ts'
import { parseOptions } from './process/options.ts'
import { runClusterTree } from './process/run.ts'

const stop = new AbortController()
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort())

try {
  const options = parseOptions(process.argv.slice(2), process.env)
  const log = createLog(options.logLevel)
  try {
    await runClusterTree(options, log, stop.signal)
    log('info', 'process.ended')
  } catch (error) {
    log('error', 'process.failed', { reason: (error as Error).message })
    process.exitCode = 1
  }
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`)
  process.exitCode = 2
}
