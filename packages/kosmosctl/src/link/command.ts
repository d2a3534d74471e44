import type { Command } from 'commander'
import { isProblem } from '../findings/finding.ts'
import { counted } from '../output/counted.ts'
import { type OutputFormat, render } from '../output/print.ts'
import type { Terminal } from '../terminal/context.ts'
import { Failure } from '../terminal/failure.ts'
import { outputOption, repeated, rootSource, withRootOptions } from '../terminal/options.ts'
import { addLinkBundle } from './bundle/command.ts'
import { type LinkCheck, linkCheck } from './check/check.ts'
import { linkCheckData } from './check/data.ts'
import { linkCheckText } from './check/text.ts'
import { addLinkDns } from './dns/command.ts'
import { interruptible } from './interruptible.ts'
import type { OwnKubeconfigs } from './network/facts.ts'
import { clusterKubeconfigHelp, parseClusterKubeconfig } from './own-kubeconfigs.ts'
import { linkPage } from './picture/page.ts'
import { linkPicture } from './picture/picture.ts'
import { addLinkRotateKeys } from './rotate-keys/command.ts'
import { addLinkTrace } from './trace/command.ts'

interface CheckFlags {
  readonly cluster?: readonly string[]
  readonly nodes?: boolean
  readonly pods?: boolean
  readonly throughput?: boolean
  readonly clusterKubeconfig?: OwnKubeconfigs
  readonly output: OutputFormat | 'svg' | 'html'
}

export function addLink(program: Command, terminal: Terminal): void {
  const link = program
    .command('link')
    .summary('see how linked clusters reach each other, change their keys, share names')
    .description(
      'Shows how the clusters of ClusterLink reach each other, and why they do not; has their nodes make new keys; lets their DNS know of Services of the others.',
    )
  addLinkCheck(link, terminal)
  addLinkTrace(link, terminal)
  addLinkBundle(link, terminal)
  addLinkDns(link, terminal)
  addLinkRotateKeys(link, terminal)
}

function addLinkCheck(link: Command, terminal: Terminal): void {
  const command = link
    .command('check')
    .summary('what of the network between clusters works, and why the rest does not')
    .description(
      'Tells from which cluster which other one is reached, by what its agents say, and what is wrong, each with its fix; with -o svg as a picture of clusters, nodes and tunnels, with -o html as one page with the picture and the tables. With --pods it sends packets between pods that it makes and deletes; without, it changes nothing. Exit code 1 if there is a problem.',
    )
    .option('--cluster <name>', 'only ways from or to this cluster; repeat it for more', repeated)
    .option('--nodes', 'also from each node to each node')
    .option(
      '--pods',
      'also with packets of pods: to pods, from nodes, to Services, and as large as the tunnels carry; with --nodes on every node, else on one of each cluster',
    )
    .option(
      '--throughput',
      'as --pods, and also how much one connection carries from a pod of each cluster to one of each other one, for three seconds each',
    )
    .option('--cluster-kubeconfig <name=file>', clusterKubeconfigHelp, parseClusterKubeconfig)
    .addOption(outputOption(['table', 'wide', 'json', 'yaml', 'svg', 'html']))
  withRootOptions(command).action(async (flags: CheckFlags) => {
    const pods = flags.pods === true || flags.throughput === true
    const found = await interruptible(pods, (signal) =>
      linkCheck(
        {
          root: rootSource(command),
          clusters: flags.cluster ?? [],
          nodes: flags.nodes === true,
          pods,
          throughput: flags.throughput === true,
          own: flags.clusterKubeconfig ?? new Map(),
          signal,
        },
        terminal.progress,
      ),
    )
    terminal.print(printed(found, flags.output))
    const problems = found.findings.filter(isProblem).length
    if (problems > 0) throw new Failure(`${counted(problems, 'problem')} found`)
  })
}

function printed(found: LinkCheck, format: CheckFlags['output']): string {
  if (format === 'svg') return linkPicture(found)
  if (format === 'html') return linkPage(found)
  return render(format, { data: linkCheckData(found), text: (wide) => linkCheckText(found, wide) })
}
