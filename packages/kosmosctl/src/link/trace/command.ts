import type { Command } from 'commander'
import { withClusters } from '../../clusters/connect.ts'
import { type OutputFormat, render } from '../../output/print.ts'
import type { Terminal } from '../../terminal/context.ts'
import { Failure } from '../../terminal/failure.ts'
import { outputOption, rootSource, withRootOptions } from '../../terminal/options.ts'
import { gatherLinkFacts, membersOf, type OwnKubeconfigs } from '../facts.ts'
import { clusterKubeconfigHelp, parseClusterKubeconfig } from '../own-kubeconfigs.ts'
import { viewOf } from '../view.ts'
import { findEnd, parseEnd } from './end.ts'
import { traceText } from './text.ts'
import { traceWay } from './trace.ts'

interface TraceFlags {
  readonly clusterKubeconfig?: OwnKubeconfigs
  readonly output: OutputFormat
}

export function addLinkTrace(link: Command, terminal: Terminal): void {
  const command = link
    .command('trace')
    .summary('the way of packets from one pod to another, hop by hop')
    .description(
      'Follows packets between two pods over what the nodes have, and the answers back: through which device to which next hop, under which addresses, and whether the agents say that it answers. The first hop that does not is marked. Changes nothing. Exit code 1 if packets do not arrive.',
    )
    .argument('<from>', 'a pod: cluster/pod, cluster/namespace/pod or cluster/address')
    .argument('<to>', 'another one')
    .option('--cluster-kubeconfig <name=file>', clusterKubeconfigHelp, parseClusterKubeconfig)
    .addOption(outputOption(['table', 'json', 'yaml']))
  withRootOptions(command).action(async (fromText: string, toText: string, flags: TraceFlags) => {
    const [from, to] = [parseEnd(fromText), parseEnd(toText)]
    const trace = await withClusters({ root: rootSource(command) }, async ({ root }) => {
      const open = membersOf(root.client, flags.clusterKubeconfig ?? new Map())
      const facts = await gatherLinkFacts(root.client, open)
      return traceWay(viewOf(facts), await findEnd(from, facts, open), await findEnd(to, facts, open))
    })
    terminal.print(render(flags.output, { data: trace, text: () => traceText(trace) }))
    const isBad = trace.families.some(({ there, back }) => there.why !== undefined || back.why !== undefined)
    if (isBad || trace.families.length === 0) throw new Failure('packets do not arrive')
  })
}
