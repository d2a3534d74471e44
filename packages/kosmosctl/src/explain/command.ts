import { Argument, type Command } from 'commander'
import { withClusters } from '../clusters/connect.ts'
import { type OutputFormat, render } from '../output/print.ts'
import { table } from '../output/table.ts'
import type { Terminal } from '../terminal/context.ts'
import { outputOption, rootSource, withRootOptions } from '../terminal/options.ts'
import { explainPod, type PodExplanation } from './pod.ts'

interface ExplainFlags {
  readonly namespace?: string
  readonly output: OutputFormat
}

export function addExplain(program: Command, terminal: Terminal): void {
  const command = program
    .command('explain')
    .summary('say where a pod is, what it needs, and what it waits for')
    .description(
      'Looks at a pod of the root and at its leaf: where its copy is, what the pod refers to, whether that is in the leaf, and what the pod waits for. Changes nothing.',
    )
    .addArgument(new Argument('<what>', 'what to explain').choices(['pod', 'po']))
    .argument('<name>', 'which one')
    .option('-n, --namespace <namespace>', 'its namespace (default: that of the context)')
    .addOption(outputOption(['table', 'json', 'yaml']))
  withRootOptions(command).action(async (_what: string, name: string, flags: ExplainFlags) => {
    await withClusters({ root: rootSource(command) }, async ({ root }) => {
      const own = root.config.getContextObject(root.config.getCurrentContext())?.namespace ?? 'default'
      const explanation = await explainPod(root.client, { namespace: flags.namespace ?? own, name })
      terminal.print(render(flags.output, { data: explanation, text: () => explanationText(explanation) }))
    })
  })
}

function explanationText({ pod, node, cluster, copy, needs, waitsFor }: PodExplanation): string {
  const where = node === undefined ? 'on no node' : `on ${node}, cluster ${cluster}`
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
    ...(cluster === undefined ? [] : [`in the leaf: ${there}`]),
    ...(rows.length > 0 ? ['', table(['needs', 'name', 'in the root', 'in the leaf', 'used by'], rows)] : []),
    '',
    waitsFor.length > 0
      ? `waits for:\n${waitsFor.map((sentence) => `  - ${sentence}`).join('\n')}`
      : 'waits for nothing',
  ].join('\n')
}
