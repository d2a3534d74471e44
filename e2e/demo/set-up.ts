import { progressOn } from '@kosmos/testbed'
import { startDemo } from './demo.ts'

// The process of `npm start` that can be killed at any instant; see killable.ts. It ends with its parent, and all that it runs.
process.on('disconnect', () => process.kill(-process.pid, 'SIGINT'))
// Who reads no further (`npm start -- --detach | head`) gets the demo all the same.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
try {
  console.log(await startDemo(progressOn(process.stderr)))
} catch (error) {
  console.error(`\n${(error as Error).message}`)
  process.exitCode = 1
}
process.exit()
