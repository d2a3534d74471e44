import type { Command } from 'commander'
import { namespaceOf, withClusters } from '../clusters/connect.ts'
import { counted } from '../output/counted.ts'
import { type OutputFormat, render } from '../output/print.ts'
import { table } from '../output/table.ts'
import { candidatesText } from '../placement/candidates-text.ts'
import { type Unread, unreadText } from '../placement/reading.ts'
import { asked, kindArgument } from '../terminal/asked.ts'
import type { Terminal } from '../terminal/context.ts'
import { WrongUsage } from '../terminal/failure.ts'
import { outputOption, rootSource, withRootOptions } from '../terminal/options.ts'
import { objectionsText } from './objections-text.ts'
import { explainPod, leafOf, type PodExplanation } from './pod.ts'
import { askedOf, reportWorkload, type WorkloadReport } from './workload.ts'

/** Every word for what can be explained. */
const kinds = {
  ...{ pod: 'pod', pods: 'pod', po: 'pod', workload: 'workload', workloads: 'workload' },
  ...{ deployment: 'deployment', deployments: 'deployment', deploy: 'deployment', job: 'job', jobs: 'job' },
  ...{ statefulset: 'statefulset', statefulsets: 'statefulset', sts: 'statefulset' },
  ...{ replicaset: 'replicaset', replicasets: 'replicaset', rs: 'replicaset' },
} as const

/** The pod, or the workload as NAME or KIND/NAME. @throws WrongUsage */
function subjectOf(words: readonly [string, ...string[]]): { readonly isPod: boolean; readonly name: string } {
  const { kind, names } = asked(words, kinds)
  const [name, another] = names
  const isPod = kind === 'pod'
  const form = isPod ? 'kosmosctl explain pod NAME' : 'kosmosctl explain workload NAME, or KIND/NAME'
  if (name === undefined) throw new WrongUsage(`which ${kind}?`, { next: form })
  if (another !== undefined) throw new WrongUsage(`one ${kind} at a time`, { next: form })
  if (isPod && name.includes('/'))
    throw new WrongUsage(`"${name}" is no name of a pod`, { next: `${form} -n NAMESPACE` })
  return { isPod, name: isPod || kind === 'workload' ? name : `${kind}/${name}` }
}

interface ExplainFlags {
  readonly namespace?: string
  readonly output: OutputFormat
}

export function addExplain(program: Command, terminal: Terminal): void {
  const command = program
    .command('explain')
    .summary('say where a pod is and what it waits for, or how many pods of a workload are where')
    .description(
      'pod: looks at a pod of the root and at its leaf: where it is and who has placed it there, which rule is against each other node, where its copy is, what the pod refers to, whether that is in the leaf, and what the pod waits for. workload: which shares a Deployment, StatefulSet, ReplicaSet or Job was asked to have by its WorkloadPolicy, what it has, and why something is missing. Changes nothing.',
    )
    .addArgument(kindArgument('what to explain; also as KIND/NAME', kinds))
    .argument('[name]', 'which one; a workload also as KIND/NAME')
    .option('-n, --namespace <namespace>', 'its namespace (default: that of the context)')
    .addOption(outputOption(['table', 'json', 'yaml']))
  withRootOptions(command).action(async (what: string, named: string | undefined, flags: ExplainFlags) => {
    const { isPod, name } = subjectOf(named === undefined ? [what] : [what, named])
    await withClusters({ root: rootSource(command) }, async ({ root }) => {
      const ref = { namespace: flags.namespace ?? namespaceOf(root), name }
      if (!isPod) {
        const report = await reportWorkload(root.client, ref)
        terminal.print(render(flags.output, { data: report, text: () => reportText(report) }))
        return
      }
      const explanation = await explainPod(root.client, ref)
      terminal.print(render(flags.output, { data: explanation, text: () => explanationText(explanation) }))
    })
  })
}

function reportText({
  workload,
  pods,
  policy,
  shares,
  atOtherGates,
  elsewhere,
  waiting,
  rebalance,
  refusals,
  unread,
}: WorkloadReport): string {
  const gaps = unreadLines(unread)
  if (policy === undefined) {
    const which = gaps.length > 0 ? 'no WorkloadPolicy that could be read' : 'no WorkloadPolicy'
    return [`${workload}: ${which} places it`, ...gaps].join('\n')
  }
  const others = policy.countedTogetherWith
  const rows = shares.map(({ name, asked, desired, assigned, ready, missing, why = '' }) => [
    name,
    askedOf(asked),
    ...[desired, assigned, ready, missing].map(String),
    why,
  ])
  return [
    `${workload}: ${counted(pods, 'pod')}, placed by WorkloadPolicy ${policy.name}${others > 0 ? `, counted together with ${others} of others` : ''}`,
    '',
    table([policy.topologyKey, 'asked', 'desired', 'has', 'ready', 'missing', 'why'], rows),
    ...(atOtherGates > 0
      ? ['', `${atOtherGates} more get their places when the scheduling gates of others are gone`]
      : []),
    ...(elsewhere > 0 ? ['', `${elsewhere} are where no allocation is`] : []),
    ...list(
      'waiting:',
      waiting.map(({ pods, what }) => `${pods}: ${what}`),
    ),
    ...list('rebalancing:', rebalance ? [rebalance] : []),
    ...list('not asked for a while:', refusals),
    ...gaps,
  ].join('\n')
}

const list = (title: string, sentences: readonly string[]) =>
  sentences.length > 0 ? ['', title, ...sentences.map((sentence) => `  - ${sentence}`)] : []

const unreadLines = (unread: readonly Unread[]) =>
  list('could not be read, so what depends on it is left out:', unread.map(unreadText))

function explanationText({
  pod,
  node,
  cluster,
  copy,
  needs,
  placedBy,
  madeAnew,
  candidates,
  objections,
  waitsFor,
  unread,
}: PodExplanation): string {
  const whose = cluster === undefined ? 'a node of the root itself' : `cluster ${cluster}`
  const isUnread = (name: string) => unread.some(({ what }) => what === name)
  const isKnown = cluster !== undefined || !isUnread('nodes')
  const where = node === undefined ? 'on no node' : `on ${node}${isKnown ? `, ${whose}` : ''}`
  const there = copy ? `${copy.phase}${copy.node ? ` on its node ${copy.node}` : ''}` : 'no copy'
  const rows = needs.map(({ kind, name, optional, usedBy, root, leaf, nameInLeaf }) => [
    kind,
    name,
    root,
    nameInLeaf ? `${leaf} (${nameInLeaf})` : leaf,
    [...usedBy, ...(optional && root !== 'not needed' ? ['(optional)'] : [])].join(', '),
  ])
  return [
    `pod ${pod.namespace}/${pod.name}: ${pod.phase}, ${where}`,
    ...(cluster === undefined || isUnread(leafOf(cluster)) ? [] : [`in the leaf: ${there}`]),
    ...(rows.length > 0 ? ['', table(['needs', 'name', 'in the root', 'in the leaf', 'used by'], rows)] : []),
    ...list('placed by:', placedBy),
    ...(madeAnew === undefined ? [] : ['', `made anew now, it ${madeAnew}`]),
    ...(candidates.length > 0 ? ['', 'nodes that would take it:', candidatesText(candidates)] : []),
    ...(objections.length > 0 ? ['', objectionsText(objections)] : []),
    '',
    waitsFor.length > 0
      ? `waits for:\n${waitsFor.map((sentence) => `  - ${sentence}`).join('\n')}`
      : `waits for nothing${unread.length > 0 ? ' that could be read' : ''}`,
    ...unreadLines(unread),
  ].join('\n')
}
