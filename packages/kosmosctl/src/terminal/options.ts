import type { KubeConfigSource } from '@kosmos/kube'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { outputFormats } from '../output/print.ts'

export interface RootOptions {
  readonly kubeconfig?: string
  readonly context?: string
  readonly rootKubeconfig?: string
  readonly rootContext?: string
}

export const rootKubeconfigHelp = `Which cluster is meant:
  --root-kubeconfig/--root-context name the root, in every command;
  --kubeconfig/--context name the root too, but for join (the leaf that joins), export and unexport (the cluster that has
    the Service) and link dns (the cluster whose DNS it is);
  without them the root is found as kubectl finds its cluster: $KUBECONFIG, ~/.kube/config, the pod's ServiceAccount.`

/** Adds the options that name the root, or another cluster, to a command that speaks to it first of all. */
export function withRootOptions(command: Command, whose = 'the root'): Command {
  return withLongRootOptions(
    command
      .option('--kubeconfig <file>', `kubeconfig of ${whose}`)
      .option('--context <name>', `context of ${whose} in its kubeconfig`),
  )
}

export function withLongRootOptions(command: Command): Command {
  return command
    .option('--root-kubeconfig <file>', 'kubeconfig of the root')
    .option('--root-context <name>', 'context of the root in its kubeconfig')
}

/** The root that a command line names; options of the command count more than those before its name. */
export function rootSource(command: Command, meaning: 'root' | 'leaf' = 'root'): KubeConfigSource {
  const own = command.opts<RootOptions>()
  let top = command
  while (top.parent !== null) top = top.parent
  const global: RootOptions = top === command ? {} : top.opts<RootOptions>()
  const short = meaning === 'root' ? own : {}
  return {
    file: own.rootKubeconfig ?? short.kubeconfig ?? global.rootKubeconfig ?? global.kubeconfig,
    context: own.rootContext ?? short.context ?? global.rootContext ?? global.context,
  }
}

/** The cluster that a command is about, which may be the root: what is said of this cluster counts more than what is said of the root. */
export function clusterSource(command: Command): KubeConfigSource {
  const { kubeconfig, context } = command.opts<RootOptions>()
  return kubeconfig === undefined ? rootSource(command) : { file: kubeconfig, context }
}

export function outputOption(formats: readonly string[] = outputFormats): Option {
  return new Option('-o, --output <format>', 'form of the result').choices([...formats]).default('table')
}

/** How long to wait at most, in seconds; its default as a person writes it. */
export function timeoutOption(meaning: string, usual: string): Option {
  return new Option('--timeout <duration>', meaning).argParser(parseDuration).default(parseDuration(usual), usual)
}

/** An option that may be given several times: all its values. */
export const repeated = (value: string, before: readonly string[] = []): readonly string[] => [...before, value]

/** A number of things, at least one. */
export function parseCount(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError('Give a number from 1 on.')
  return Number(text)
}

const units: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 }

/** `90`, `90s`, `2m`, `1h30m`, `30d` as seconds. */
export function parseDuration(text: string): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)([smhd]?)/g)]
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== text) {
    throw new InvalidArgumentError('Write it like 90s, 2m, 1h30m or 30d.')
  }
  return parts.reduce((sum, [, count, unit]) => sum + Number(count) * (units[unit || 's'] ?? 1), 0)
}
