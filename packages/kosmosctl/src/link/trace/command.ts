import type { Command } from 'commander'
import { withClusters } from '../../clusters/connect.ts'
import { type OutputFormat, render } from '../../output/print.ts'
import type { Terminal } from '../../terminal/context.ts'
import { Failure } from '../../terminal/failure.ts'
import { outputOption, rootSource, withRootOptions } from '../../terminal/options.ts'
import { interruptible } from '../interruptible.ts'
import { gatherLinkFacts, membersOf, type OwnKubeconfigs } from '../network/facts.ts'
import { viewOf } from '../network/view.ts'
import { clusterKubeconfigHelp, parseClusterKubeconfig } from '../own-kubeconfigs.ts'
import { countOn } from './count/count.ts'
import { findEnd, parseEnd } from './end.ts'
import { traceText } from './text.ts'
import { placesOf, type Trace, traceWay, withCounts } from './trace.ts'

interface TraceFlags {
  readonly clusterKubeconfig?: OwnKubeconfigs
  readonly counters?: boolean
  readonly output: OutputFormat
}

interface Found {
  readonly trace: Trace
  /** Why counters of some nodes are not known. */
  readonly problems: readonly string[]
}

export function addLinkTrace(link: Command, terminal: Terminal): void {
  const command = link
    .command('trace')
    .summary('the way of packets from one pod to another, hop by hop')
    .description(
      'Follows packets between two pods over what the nodes have, and the answers back: through which device to which next hop, under which addresses, and whether the agents say that it answers. The first hop that does not is marked. With --counters it also tells between which two counters of the kernels packets stop, by a pod on each node of the way, which it makes and deletes; without, it changes nothing. Exit code 1 if packets do not arrive.',
    )
    .argument('<from>', 'a pod: cluster/pod, cluster/namespace/pod or cluster/address')
    .argument('<to>', 'another one')
    .option(
      '--counters',
      'also what the nodes of the way count for seven seconds, in which their agents ask each other: where packets stop',
    )
    .option('--cluster-kubeconfig <name=file>', clusterKubeconfigHelp, parseClusterKubeconfig)
    .addOption(outputOption(['table', 'json', 'yaml']))
  withRootOptions(command).action(async (fromText: string, toText: string, flags: TraceFlags) => {
    const [from, to] = [parseEnd(fromText), parseEnd(toText)]
    const { trace, problems } = await interruptible(flags.counters === true, (signal) =>
      withClusters({ root: rootSource(command) }, async ({ root }): Promise<Found> => {
        const open = membersOf(root.client, flags.clusterKubeconfig ?? new Map())
        const facts = await gatherLinkFacts(root.client, open)
        const view = viewOf(facts)
        const trace = traceWay(view, await findEnd(from, facts, open), await findEnd(to, facts, open))
        if (!flags.counters) return { trace, problems: [] }
        const options = { clusters: facts.clusters, open, places: placesOf(trace), signal }
        const { growths, problems } = await countOn(options, terminal.progress)
        return { trace: withCounts(trace, view, growths), problems }
      }),
    )
    const text = () => [traceText(trace), ...problems.map((problem) => `not counted: ${problem}`)].join('\n')
    terminal.print(render(flags.output, { data: { ...trace, ...(problems.length > 0 && { problems }) }, text }))
    const isBad = trace.families.some(({ there, back }) => there.why !== undefined || back.why !== undefined)
    if (isBad || trace.families.length === 0)
      throw new Failure('packets do not arrive', { next: 'kosmosctl link check says what is wrong, and its fix' })
  })
}
