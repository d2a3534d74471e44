import { attachTestbed, progressOn } from '@kosmos/testbed'
import { Command } from 'commander'
import { upKosmos } from '../platform/kosmos.ts'

const program = new Command('npm run kosmos --')
  .description('Our controllers against a test bed')
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))

program
  .command('up')
  .description('start cluster-tree and the scheduler, and join the leaves')
  .option('--name <name>', 'name of the test bed', 'kosmos')
  .option('--json', 'print one JSON object')
  .action(async ({ name, json }: { name: string; json?: boolean }) => {
    const kosmos = await upKosmos(attachTestbed(name), progressOn(process.stderr), {
      scheduler: true,
      plainMetrics: true,
    })
    if (json) console.log(JSON.stringify(kosmos))
    else console.log(`virtual nodes: ${kosmos.virtualNodes.join(', ')}\nmetrics: ${kosmos.metrics}`)
  })

try {
  await program.parseAsync()
} catch (error) {
  console.error((error as Error).message)
  process.exitCode = 1
}
