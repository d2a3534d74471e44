import type { Command } from 'commander'
import { withClusters } from '../../clusters/connect.ts'
import { type OutputFormat, render } from '../../output/print.ts'
import type { Terminal } from '../../terminal/context.ts'
import { outputOption } from '../../terminal/options.ts'
import { clusterSetZone } from './corefile.ts'
import { addDns, type DnsChange, removeDns } from './dns.ts'

interface DnsFlags {
  readonly kubeconfig: string
  readonly context?: string
  readonly remove?: boolean
  readonly force?: boolean
  readonly dryRun?: boolean
  readonly output: OutputFormat
}

export function addLinkDns(link: Command, terminal: Terminal): void {
  link
    .command('dns')
    .summary("let a cluster's CoreDNS answer names of imported Services")
    .description(
      `Adds a server for ${clusterSetZone} to the configuration of the CoreDNS of one cluster, between two marks, and the right to read ServiceImports; --remove takes away both. What is there stays as it is. CoreDNS has to be v1.12.2 at least, and takes the change by itself within a minute.`,
    )
    .requiredOption('--kubeconfig <file>', 'kubeconfig of that cluster, of somebody who may change its DNS')
    .option('--context <name>', 'context in that kubeconfig')
    .option('--remove', 'take away what this command brought')
    .option('--force', 'also where the version of CoreDNS is not known')
    .option('--dry-run', 'print what the configuration would be, and change nothing')
    .addOption(outputOption(['table', 'json', 'yaml']))
    .action(async ({ kubeconfig, context, remove, force = false, dryRun = false, output }: DnsFlags) => {
      const changed = await withClusters({ cluster: { file: kubeconfig, context } }, ({ cluster }) =>
        remove ? removeDns(cluster.client, { dryRun }) : addDns(cluster.client, { force, dryRun }),
      )
      terminal.print(render(output, { data: changed, text: () => (dryRun ? changed.text : sentenceOf(changed)) }))
    })
}

function sentenceOf({ change, configMap, key }: DnsChange): string {
  const where = `${key} of ConfigMap kube-system/${configMap}`
  if (change === 'none') return `${where} stays as it is`
  return change === 'added'
    ? `${where} has a server for ${clusterSetZone}`
    : `${where} has no server of ours for ${clusterSetZone} any more`
}
