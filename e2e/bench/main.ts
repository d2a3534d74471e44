import { progressOn } from '@kosmos/testbed'
import { Command, Option } from 'commander'
import { benchPods } from './pods/bench.ts'
import { type Model, models } from './pods/model.ts'
import { describePods } from './pods/report.ts'

const program = new Command('bench').description('Side-by-side measurements, both sides in one run on this machine')
const number = (text: string) => Number(text)

program
  .command('pods')
  .description('the same pods straight on the leaf and through the tree')
  .option('--count <pods>', 'pods on each side', number, 2000)
  .addOption(new Option('--model <model>', 'what the leaf is in the root').choices(models).default('cluster'))
  .option('--json', 'print one JSON object')
  .action(async ({ count, model, json }: { count: number; model: Model; json?: boolean }) => {
    const run = await benchPods({ count, model, progress: progressOn(process.stderr) })
    console.log(json ? JSON.stringify(run.result) : describePods(run))
  })

try {
  await program.parseAsync()
} catch (error) {
  console.error((error as Error).message)
  process.exitCode = 1
}
