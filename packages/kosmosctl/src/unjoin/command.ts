import type { Command } from 'commander'
import { counted } from '../output/counted.ts'
import { type OutputFormat, render } from '../output/print.ts'
import type { Terminal } from '../terminal/context.ts'
import { tellingWhatIsLeft } from '../terminal/interruption.ts'
import { outputOption, parseDuration, rootSource, withRootOptions } from '../terminal/options.ts'
import type { Remainder } from './leave-leaf.ts'
import { leftOfUnjoin } from './left.ts'
import { planUnjoin, type UnjoinPlan } from './plan.ts'
import { type UnjoinResult, unjoin } from './unjoin.ts'

interface UnjoinFlags {
  readonly leafKubeconfig?: string
  readonly leafContext?: string
  readonly force?: boolean
  readonly timeout?: number
  readonly dryRun?: boolean
  readonly output: OutputFormat
}

export function addUnjoin(program: Command, terminal: Terminal): void {
  const command = program
    .command('unjoin')
    .summary('give a leaf up')
    .description(
      'Gives a leaf up: evicts its pods (PodDisruptionBudgets hold), deletes the Cluster, and removes what is ours in the leaf and in the root, and nothing else. Run again, it takes up where it stopped.',
    )
    .argument('<name>', 'what the leaf is called in the root')
    .option('--force', 'go on without the leaf, a controller or the consent of a PodDisruptionBudget')
    .option('--timeout <duration>', 'for the whole (default: 5m, with --force 110s)', parseDuration)
    .option('--leaf-kubeconfig <file>', 'an administrator of the leaf (default: the credentials that the root holds)')
    .option('--leaf-context <name>', 'context in that kubeconfig')
    .option('--dry-run', 'print what would be evicted and removed, and change nothing')
    .addOption(outputOption(['table', 'json', 'yaml']))
  withRootOptions(command).action(async (name: string, flags: UnjoinFlags) => {
    const { leafKubeconfig, leafContext } = flags
    const options = {
      name,
      root: rootSource(command),
      leaf: leafKubeconfig === undefined ? undefined : { file: leafKubeconfig, context: leafContext },
      force: flags.force ?? false,
      timeoutSeconds: flags.timeout,
    }
    if (flags.dryRun) {
      const plan = await planUnjoin(options, terminal.progress)
      terminal.print(render(flags.output, { data: plan, text: () => planText(plan) }))
      return
    }
    const result = await tellingWhatIsLeft(
      terminal.progress,
      (step) => leftOfUnjoin(name, step),
      (progress) => unjoin(options, progress),
    )
    terminal.print(render(flags.output, { data: result, text: () => resultText(result) }))
  })
}

function resultText({ cluster, podsGone, remains }: UnjoinResult): string {
  const done = `cluster "${cluster}" unjoined, ${counted(podsGone, 'pod')} moved out`
  if (remains.length === 0) return done
  return [`${done}. In the leaf remain`, ...remainderLines(remains)].join('\n')
}

function remainderLines(remains: readonly Remainder[]): string[] {
  const reasons = [...new Set(remains.map(({ why }) => why))]
  return reasons.flatMap((why) => [
    `because ${why}:`,
    ...remains.filter((one) => one.why === why).flatMap(({ what, command }) => [`  - ${what}`, `    ${command}`]),
  ])
}

function planText({ evicted, root, leaf, remains }: UnjoinPlan): string {
  const part = (title: string, lines: readonly string[]) => [title, ...lines.map((line) => `  - ${line}`)]
  const inLeaf = (lines: readonly string[]) => (lines.length === 0 ? [] : part('would be removed in the leaf:', lines))
  return [
    ...part(`would be evicted: ${evicted.length || 'no'} ${evicted.length === 1 ? 'pod' : 'pods'}`, evicted),
    ...part('would be removed in the root:', root),
    ...(leaf === undefined
      ? ['the leaf cannot be asked: without --force unjoin is refused, and with it what is in the leaf stays there']
      : inLeaf(leaf)),
    ...(remains.length > 0 ? ['would remain in the leaf', ...remainderLines(remains)] : []),
  ].join('\n')
}
