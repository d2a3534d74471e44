import type { Command } from 'commander'

/** `help`, which takes all words of a command, where that of commander looks at the first only and passes over one that is none. */
export function addHelp(program: Command): void {
  program
    .helpCommand(false)
    .command('help')
    .helpOption(false)
    .argument('[command...]', 'the words of a command')
    .summary('display help for a command')
    .action((words: string[]) => {
      words.reduce(commandOf, program).outputHelp()
    })
}

function commandOf(parent: Command, word: string): Command {
  return parent.commands.find((one) => one.name() === word) ?? parent.error(`error: unknown command '${word}'`)
}
