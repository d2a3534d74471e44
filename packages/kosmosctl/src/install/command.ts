import type { Command } from 'commander'
import { type OutputFormat, render, toYaml } from '../output/print.ts'
import type { Terminal } from '../terminal/context.ts'
import { tellingWhatIsLeft } from '../terminal/interruption.ts'
import { outputOption, parseCount, rootSource, timeoutOption, withRootOptions } from '../terminal/options.ts'
import { install } from './install.ts'
import { leftOfInstall } from './left.ts'
import { installManifests } from './manifests.ts'
import { markOfInstall, mcsDefinitions } from './mcs-definitions.ts'
import { uninstall } from './uninstall.ts'

interface InstallFlags {
  readonly crdsOnly?: boolean
  readonly image?: string
  readonly replicas?: number
  readonly timeout: number
  readonly wait: boolean
  readonly dryRun?: boolean
  readonly output: OutputFormat
}

export function addInstall(program: Command, terminal: Terminal): void {
  const command = program
    .command('install')
    .summary('install or upgrade the controllers in the root')
    .description('Installs the kinds of kosmos.io and the controllers in the root, or brings them to this version.')
    .option('--crds-only', 'only the kinds, for controllers that run elsewhere')
    .option(
      '--image <image>',
      'image of the controllers (default: the one that was chosen before, else that of this version)',
    )
    .option('--replicas <count>', 'how many controllers; one works, the others stand by', parseCount)
    .option('--no-wait', 'do not wait for the controllers')
    .addOption(timeoutOption('how long to wait for them', '2m'))
    .option('--dry-run', 'print the manifests instead of applying them')
    .addOption(outputOption(['table', 'json', 'yaml']))
  withRootOptions(command).action(async (flags: InstallFlags) => {
    if (flags.dryRun) {
      const manifests = [...(await installManifests(flags)), ...(await mcsDefinitions(markOfInstall))]
      const text = () => manifests.map(toYaml).join('---\n').trimEnd()
      terminal.print(flags.output === 'json' ? render('json', { data: manifests, text }) : text())
      return
    }
    const timeoutSeconds = flags.wait ? flags.timeout : 0
    const applied = await tellingWhatIsLeft(terminal.progress, leftOfInstall, (progress) =>
      install({ ...flags, root: rootSource(command), timeoutSeconds }, progress),
    )
    const text = () => applied.map((what) => `${what} applied`).join('\n')
    terminal.print(render(flags.output, { data: { applied }, text }))
  })
}

export function addUninstall(program: Command, terminal: Terminal): void {
  const command = program
    .command('uninstall')
    .summary('remove the controllers from the root')
    .description('Removes what install made, after all clusters have been given up.')
    .option('--dry-run', 'ask the root what would be removed, and change nothing')
    .addOption(outputOption(['table', 'json', 'yaml']))
  withRootOptions(command).action(async (flags: { dryRun?: boolean; output: OutputFormat }) => {
    const { dryRun = false, output } = flags
    const result = await uninstall({ root: rootSource(command), dryRun }, terminal.progress)
    const lines = [
      ...result.removed.map((what) => `${what} ${dryRun ? 'would be removed' : 'removed'}`),
      ...result.released.map((pod) => `pod ${pod} ${dryRun ? 'would no longer wait' : 'no longer waits'} for a place`),
      ...result.kept.map(({ what, why }) => `${what} ${dryRun ? 'would stay' : 'stays'}: ${why}`),
    ]
    terminal.print(
      render(output, { data: { dryRun, ...result }, text: () => lines.join('\n') || 'nothing is installed' }),
    )
  })
}
