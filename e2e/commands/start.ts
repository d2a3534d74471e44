import { once } from 'node:events'
import path from 'node:path'
import { downTestbed, progressOn } from '@kosmos/testbed'
import { Command } from 'commander'
import { endGroup, runKillable } from '../demo/killable.ts'

const { detach } = new Command('npm start --')
  .description('A root and two leaves on this machine, joined, with a sample app. Ctrl-C ends and removes everything.')
  .option('--detach', 'leave it running; npm stop ends it')
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))
  .parse()
  .opts<{ detach?: boolean }>()

const stopped = Promise.withResolvers<'interrupted'>()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stopped.resolve('interrupted'))
// A terminal that was closed takes no more text, and what was started is to be stopped all the same.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})

const progress = progressOn(process.stderr)
const setUp = runKillable(path.join(import.meta.dirname, '../demo/set-up.ts'))
const outcome = await Promise.race([once(setUp, 'exit'), stopped.promise])

if (outcome !== 'interrupted' && outcome[0] === 0) {
  if (detach) process.exit(0)
  console.log('\nCtrl-C stops everything.')
  // Neither a promise nor a signal that may come keeps a process alive.
  const waiting = setInterval(() => {}, 60_000)
  await stopped.promise
  clearInterval(waiting)
  await stopEverything()
  process.exit(0)
}
// What fails cleans up itself, unless it was killed.
if (outcome === 'interrupted' || outcome[0] === null) {
  await endGroup(setUp)
  await stopEverything()
  process.exit(outcome === 'interrupted' ? 130 : 1)
}
process.exit(1)

async function stopEverything(): Promise<void> {
  progress.step('stopping everything')
  await downTestbed('kosmos', progress)
  progress.step('everything is stopped and removed')
}
