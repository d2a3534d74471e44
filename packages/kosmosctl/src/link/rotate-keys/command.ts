import type { Command } from 'commander'
import { withClusters } from '../../clusters/connect.ts'
import { type OutputFormat, render } from '../../output/print.ts'
import type { Terminal } from '../../terminal/context.ts'
import { WrongUsage } from '../../terminal/failure.ts'
import { outputOption, repeated, rootSource, withRootOptions } from '../../terminal/options.ts'
import { demandKeys } from './demand.ts'

interface RotateFlags {
  readonly cluster?: readonly string[]
  readonly node?: readonly string[]
  readonly dryRun?: boolean
  readonly output: OutputFormat
}

export function addLinkRotateKeys(link: Command, terminal: Terminal): void {
  const command = link
    .command('rotate-keys')
    .summary('have nodes make new keys for their encrypted tunnels')
    .description(
      'Asks for new keys of encrypted tunnels, WireGuard and IPsec, of all linked clusters or of some. Nodes make them themselves and go over to them one after the other in each cluster, when the other ends know them; kubectl get clusternodes -o wide shows since when a node has its keys. The regular way is spec.clusterLinkOptions.keyRotation of the Cluster.',
    )
    .option('--cluster <name>', 'only nodes of this cluster; repeat it for more', repeated)
    .option('--node <name>', 'only this node of the cluster that --cluster names; repeat it for more', repeated)
    .option('--dry-run', 'say of which nodes, and ask for nothing')
    .addOption(outputOption(['table', 'json', 'yaml']))
  withRootOptions(command).action(async (flags: RotateFlags) => {
    const { cluster: clusters = [], node: nodes = [], dryRun = false } = flags
    if (nodes.length > 0 && clusters.length !== 1)
      throw new WrongUsage('with --node, say of which cluster: --cluster NAME')
    await withClusters({ root: rootSource(command) }, async ({ root }) => {
      const demanded = await demandKeys(root.client, { clusters, nodes, dryRun }, Date.now())
      const whose =
        demanded.nodes.length > 0
          ? `${demanded.nodes.join(', ')} of ${clusters.join()}`
          : `the nodes of ${demanded.clusters.join(', ')}`
      terminal.print(
        render(flags.output, {
          data: { dryRun, ...demanded },
          text: () =>
            dryRun
              ? `new keys would be asked for of ${whose}`
              : `new keys are asked for of ${whose}, one node after the other; kosmosctl link check says who lags`,
        }),
      )
    })
  })
}
