import { run } from './run.ts'

for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    // Who reads no further, as head, has seen enough; what the command does goes on.
    if (error.code === 'EPIPE') return
    console.error(`error: the result cannot be written: ${error.message}`)
    process.exit(1)
  })
}
process.exitCode = await run(process.argv.slice(2))
