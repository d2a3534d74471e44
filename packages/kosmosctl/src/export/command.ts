import { Argument, type Command } from 'commander'
import { namespaceOf, withClusters } from '../clusters/connect.ts'
import { type OutputFormat, render } from '../output/print.ts'
import type { Terminal } from '../terminal/context.ts'
import { clusterSource, outputOption, timeoutOption, withRootOptions } from '../terminal/options.ts'
import { exportService, unexportService } from './service.ts'

interface ExportFlags {
  readonly namespace?: string
  readonly timeout: number
  readonly wait: boolean
  readonly dryRun?: boolean
  readonly output: OutputFormat
}

const namespaceHelp = 'namespace of the Service (default: that of the context)'

export function addExport(program: Command, terminal: Terminal): void {
  const command = program
    .command('export')
    .summary('let every linked cluster use a Service of this one')
    .description(
      'Makes a ServiceExport: pods of every linked cluster that has the namespace find the Service as NAME.NAMESPACE.svc.clusterset.local. --kubeconfig names the cluster that has the Service, the root or any other that is linked.',
    )
    .addArgument(new Argument('<what>', 'what to export').choices(['service']))
    .argument('<name>', 'its name')
    .option('-n, --namespace <namespace>', namespaceHelp)
    .option('--no-wait', 'do not wait until it is exported')
    .addOption(timeoutOption('how long to wait', '30s'))
    .option('--dry-run', 'say what would be exported, and change nothing')
    .addOption(outputOption(['table', 'json', 'yaml']))
  withRootOptions(command, 'the cluster that has the Service').action(
    async (_what: string, name: string, flags: ExportFlags) => {
      const { dryRun = false } = flags
      const exported = await withClusters({ cluster: clusterSource(command) }, async ({ cluster }) => {
        const ref = { namespace: flags.namespace ?? namespaceOf(cluster), name }
        return await exportService(cluster.client, ref, { timeoutMs: flags.wait ? flags.timeout * 1000 : 0, dryRun })
      })
      const conflict = exported.conditions.find(({ type, status }) => type === 'Conflict' && status === 'True')
      if (conflict) terminal.progress.warn(`other clusters export it otherwise: ${conflict.message}`)
      const text = `Service ${exported.namespace}/${name} ${dryRun ? 'would be' : 'is'} exported as ${exported.dnsName}`
      terminal.print(render(flags.output, { data: { dryRun, ...exported }, text: () => text }))
    },
  )
}

export function addUnexport(program: Command, terminal: Terminal): void {
  const command = program
    .command('unexport')
    .summary('end the export of a Service')
    .description(
      'Deletes the ServiceExport of a Service. Its endpoints are gone in all other clusters, and its name if no other cluster exports it.',
    )
    .addArgument(new Argument('<what>', 'what is exported').choices(['service']))
    .argument('<name>', 'its name')
    .option('-n, --namespace <namespace>', namespaceHelp)
    .option('--dry-run', 'say what would end, and change nothing')
    .addOption(outputOption(['table', 'json', 'yaml']))
  withRootOptions(command, 'the cluster that has the Service').action(
    async (_what: string, name: string, flags: Pick<ExportFlags, 'namespace' | 'dryRun' | 'output'>) => {
      await withClusters({ cluster: clusterSource(command) }, async ({ cluster }) => {
        const { dryRun = false } = flags
        const namespace = flags.namespace ?? namespaceOf(cluster)
        await unexportService(cluster.client, { namespace, name }, dryRun)
        const text = `Service ${namespace}/${name} ${dryRun ? 'would be' : 'is'} exported no longer`
        terminal.print(render(flags.output, { data: { dryRun, namespace, name }, text: () => text }))
      })
    },
  )
}
