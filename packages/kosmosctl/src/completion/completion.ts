import tab from '@bomb.sh/tab/commander'
import type { Command } from 'commander'
import { examples } from '../examples.ts'
import { addExamples } from '../program.ts'
import { clusterNames, rootOfWords } from './names.ts'

/** Commands that take the name of a joined cluster, and what that argument is called there. */
const takeCluster: Readonly<Record<string, string>> = { unjoin: 'name', check: 'cluster' }

/**
 * Adds `completion SHELL`, which prints a script for the shell, and the hidden command that the script calls with the
 * words typed so far. For that one the names of clusters are looked up first, because answers are given at once.
 */
export async function addCompletion(program: Command, argv: readonly string[]): Promise<void> {
  const asked = argv[0] === 'complete' && argv.some((word) => Object.hasOwn(takeCluster, word))
  const names = asked ? await clusterNames(rootOfWords(argv)) : []
  const completion = tab(program, { completionCommandName: 'completion' })
  const own = program.commands.find((command) => command.name() === 'completion')
  own?.summary('print a script that completes words in a shell')
  own?.description(
    'Prints a script by which a shell completes commands, options and names of clusters, to be read at its start.',
  )
  if (own !== undefined) addExamples(own, examples.completion)
  for (const command of program.commands) {
    const offered = completion.commands.get(command.name())
    if (offered !== undefined) offered.description = command.summary() || command.description()
  }
  for (const [name, argument] of Object.entries(takeCluster)) {
    completion.commands.get(name)?.argument(argument, (complete) => {
      for (const cluster of names) complete(cluster, 'joined cluster')
    })
  }
}
