import { Command, type OutputConfiguration } from 'commander'
import { addCheck } from './check/command.ts'
import { addDelete } from './delete/command.ts'
import { examples } from './examples.ts'
import { addExplain } from './explain/command.ts'
import { addExport, addUnexport } from './export/command.ts'
import { addGet } from './get/command.ts'
import { addImport } from './import/command.ts'
import { addInstall, addUninstall } from './install/command.ts'
import { addJoin } from './join/command.ts'
import { addLink } from './link/command.ts'
import { addSimulate } from './simulate/command.ts'
import { commandsOf } from './terminal/commands.ts'
import type { Terminal } from './terminal/context.ts'
import { addHelp } from './terminal/help.ts'
import { rootKubeconfigHelp, withRootOptions } from './terminal/options.ts'
import { addUnjoin } from './unjoin/command.ts'
import { addVersion } from './version/command.ts'
import { ownVersion } from './version/own.ts'

/**
 * The whole command line. Nothing runs before it is given arguments.
 * @param output where help and errors in the command line are written
 */
export function createProgram(terminal: Terminal, output: OutputConfiguration = {}): Command {
  const program = new Command('kosmosctl')
    .configureOutput(output)
    .description('Joins Kubernetes clusters to a root, shows what runs in them, and finds out what is wrong.')
    .version(ownVersion())
    .enablePositionalOptions()
    .addHelpText('after', `\n${rootKubeconfigHelp}\n\nExit codes: 0 done, 1 failed, 2 wrong usage.`)
    // Sub-commands inherit these: the caller decides about the exit code.
    .exitOverride()
  withRootOptions(program)
  addJoin(program, terminal)
  addUnjoin(program, terminal)
  addGet(program, terminal)
  addDelete(program, terminal)
  addExplain(program, terminal)
  addSimulate(program, terminal)
  addImport(program, terminal)
  addCheck(program, terminal)
  addLink(program, terminal)
  addExport(program, terminal)
  addUnexport(program, terminal)
  addInstall(program, terminal)
  addUninstall(program, terminal)
  addVersion(program, terminal)
  addHelp(program)
  pointToHelp(program, program.name())
  for (const [words, command] of commandsOf(program)) addExamples(command, examples[words])
  return program
}

/** At the end of the help of a command. */
export function addExamples(command: Command, lines: readonly string[] = []): void {
  if (lines.length > 0) command.addHelpText('after', ['\nExamples:', ...lines].join('\n  '))
}

/** After an error in the command line: which help to read. */
function pointToHelp(command: Command, typed: string): void {
  command.showHelpAfterError(`(${typed} --help)`)
  for (const one of command.commands) pointToHelp(one, `${typed} ${one.name()}`)
}
