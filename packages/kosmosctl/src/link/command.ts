import type { Command } from 'commander'
import { isProblem } from '../findings/finding.ts'
import { type OutputFormat, render } from '../output/print.ts'
import type { Terminal } from '../terminal/context.ts'
import { Failure } from '../terminal/failure.ts'
import { outputOption, rootSource, withRootOptions } from '../terminal/options.ts'
import { addLinkBundle } from './bundle/command.ts'
import { linkCheck } from './check.ts'
import { linkCheckData } from './check-data.ts'
import { linkCheckText } from './check-text.ts'
import type { OwnKubeconfigs } from './facts.ts'
import { clusterKubeconfigHelp, parseClusterKubeconfig } from './own-kubeconfigs.ts'
import { addLinkTrace } from './trace/command.ts'

interface CheckFlags {
  readonly cluster?: readonly string[]
  readonly nodes?: boolean
  readonly pods?: boolean
  readonly clusterKubeconfig?: OwnKubeconfigs
  readonly output: OutputFormat
}

export function addLink(program: Command, terminal: Terminal): void {
  const link = program
    .command('link')
    .summary('see how linked clusters reach each other')
    .description('Shows how the clusters of ClusterLink reach each other, and why they do not.')
  addLinkCheck(link, terminal)
  addLinkTrace(link, terminal)
  addLinkBundle(link, terminal)
}

const gathered = (name: string, before: readonly string[] = []) => [...before, name]

function addLinkCheck(link: Command, terminal: Terminal): void {
  const command = link
    .command('check')
    .summary('what of the network between clusters works, and why the rest does not')
    .description(
      'Tells from which cluster which other one is reached, by what its agents say, and what is wrong, each with its fix. With --pods it sends packets between pods that it makes and deletes; without, it changes nothing. Exit code 1 if there is a problem.',
    )
    .option('--cluster <name>', 'only ways from or to this cluster; repeat it for more', gathered)
    .option('--nodes', 'also from each node to each node')
    .option(
      '--pods',
      'also with packets of pods: to pods, from nodes, to Services, and as large as the tunnels carry; with --nodes on every node, else on one of each cluster',
    )
    .option('--cluster-kubeconfig <name=file>', clusterKubeconfigHelp, parseClusterKubeconfig)
    .addOption(outputOption(['table', 'wide', 'json', 'yaml']))
  withRootOptions(command).action(async (flags: CheckFlags) => {
    const interrupted = new AbortController()
    const interrupt = () => interrupted.abort()
    // The second one ends us at once.
    if (flags.pods) process.once('SIGINT', interrupt)
    try {
      const found = await linkCheck(
        {
          root: rootSource(command),
          clusters: flags.cluster ?? [],
          nodes: flags.nodes === true,
          pods: flags.pods === true,
          own: flags.clusterKubeconfig ?? new Map(),
          signal: interrupted.signal,
        },
        terminal.progress,
      )
      terminal.print(render(flags.output, { data: linkCheckData(found), text: (wide) => linkCheckText(found, wide) }))
      const problems = found.findings.filter(isProblem).length
      if (problems > 0) throw new Failure(`${problems} ${problems === 1 ? 'problem' : 'problems'} found`)
    } finally {
      process.removeListener('SIGINT', interrupt)
    }
  })
}
