import { parseArgs } from 'node:util'
import { downTestbed, progressOn } from '@kosmos/testbed'
import { startDemo } from '../demo/demo.ts'

/** A root and two leaves on this machine, joined, with a sample app: the whole of Kosmos in one command. */
const { values } = parseArgs({ options: { detach: { type: 'boolean', default: false } } })
const progress = progressOn(process.stderr)

const stopped = Promise.withResolvers<void>()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stopped.resolve())
const interrupted = stopped.promise.then(() => 'interrupted' as const)

try {
  const outcome = await Promise.race([startDemo(progress), interrupted])
  if (outcome !== 'interrupted') {
    console.log(outcome)
    if (!values.detach) {
      console.log('\nCtrl-C stops everything.')
      // Neither a promise nor a signal that may come keeps a process alive.
      const waiting = setInterval(() => {}, 60_000)
      await interrupted
      clearInterval(waiting)
    }
  }
  if (outcome === 'interrupted' || !values.detach) {
    progress.step('stopping everything')
    await downTestbed('kosmos', progress)
  }
  process.exit(0)
} catch (error) {
  console.error(`\n${(error as Error).message}`)
  await downTestbed('kosmos', progress)
  process.exit(1)
}
