import { Argument, type Command, Option } from 'commander'
import { namespaceOf, withClusters } from '../clusters/connect.ts'
import { type OutputFormat, render } from '../output/print.ts'
import type { Terminal } from '../terminal/context.ts'
import { outputOption, rootSource, withRootOptions } from '../terminal/options.ts'
import { importVolume } from './volume.ts'

interface ImportFlags {
  readonly cluster: string
  readonly namespace?: string
  readonly storageClass?: string
  readonly reclaimPolicy: 'Retain' | 'Delete'
  readonly dryRun?: boolean
  readonly output: OutputFormat
}

export function addImport(program: Command, terminal: Terminal): void {
  const command = program
    .command('import')
    .summary('bring a volume that a leaf has already into the root')
    .description(
      'Makes a claim in the root for a bound PersistentVolumeClaim of a leaf, of the same namespace and name, with the data that is on it. Pods of the root that mount it run in that leaf.',
    )
    .addArgument(new Argument('<what>', 'what to bring in').choices(['volume']))
    .argument('<name>', "name of the leaf's claim")
    .requiredOption('--cluster <name>', 'the Cluster whose leaf has it')
    .option('-n, --namespace <namespace>', 'namespace of the claim, in both (default: that of the context)')
    .option('--storage-class <name>', "class in the root (default: the one that stands for the leaf's)")
    .addOption(
      new Option('--reclaim-policy <policy>', "what becomes of the data when the root's claim is deleted")
        .choices(['Retain', 'Delete'])
        .default('Retain'),
    )
    .option('--dry-run', 'say what would be made, and change nothing')
    .addOption(outputOption(['table', 'json', 'yaml']))
  withRootOptions(command).action(async (_what: string, name: string, flags: ImportFlags) => {
    await withClusters({ root: rootSource(command) }, async ({ root }) => {
      const { cluster, namespace = namespaceOf(root), storageClass, reclaimPolicy, dryRun = false } = flags
      const options = { cluster, namespace, name, storageClass, reclaimPolicy, dryRun }
      const imported = await importVolume(root.client, options)
      const done = dryRun ? 'would be' : 'is'
      const text = `PersistentVolumeClaim ${imported.namespace}/${imported.claim} ${done} in the root: ${imported.capacity} of class ${imported.storageClass}, volume ${imported.volume}`
      terminal.print(render(flags.output, { data: { dryRun, ...imported }, text: () => text }))
    })
  })
}
