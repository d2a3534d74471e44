import { Argument, type Command } from 'commander'
import { withClusters } from '../clusters/connect.ts'
import { type OutputFormat, render } from '../output/print.ts'
import type { Terminal } from '../terminal/context.ts'
import { WrongUsage } from '../terminal/failure.ts'
import { outputOption, rootSource, withRootOptions } from '../terminal/options.ts'
import { deleteOrphans } from './orphans.ts'

interface DeleteFlags {
  readonly all?: boolean
  readonly cluster?: string
  readonly dryRun?: boolean
  readonly output: OutputFormat
}

export function addDelete(program: Command, terminal: Terminal): void {
  const command = program
    .command('delete')
    .summary('delete orphans in leaves')
    .description(
      'Deletes pods in leaves that the root lost when it was restored from a snapshot (kosmosctl get orphans), and nothing else.',
    )
    .addArgument(new Argument('<what>', 'what to delete').choices(['orphans', 'orphan']))
    .argument('[names...]', 'which ones, as NAMESPACE/NAME')
    .option('--all', 'all of them')
    .option('--cluster <name>', 'only those in the leaf of this Cluster')
    .option('--dry-run', 'say what would be deleted, and change nothing')
    .addOption(outputOption(['table', 'json', 'yaml']))
  withRootOptions(command).action(async (_what: string, given: string[], flags: DeleteFlags) => {
    const { all = false, cluster, dryRun = false } = flags
    if (all === given.length > 0) throw new WrongUsage('name orphans as NAMESPACE/NAME, or say --all')
    const wrong = given.find((name) => !/^[^/]+\/[^/]+$/.test(name))
    if (wrong !== undefined) throw new WrongUsage(`"${wrong}" is not NAMESPACE/NAME`)
    await withClusters({ root: rootSource(command) }, async ({ root }) => {
      const names = all ? undefined : given
      const orphans = await deleteOrphans(root.client, { names, cluster, dryRun, warn: terminal.progress.warn })
      const done = dryRun ? 'would be deleted' : 'deleted'
      const lines = orphans.map((one) => `orphan ${one.namespace}/${one.name} ${done} in ${one.cluster}`)
      terminal.print(
        render(flags.output, { data: { dryRun, orphans }, text: () => lines.join('\n') || 'no orphans found' }),
      )
    })
  })
}
