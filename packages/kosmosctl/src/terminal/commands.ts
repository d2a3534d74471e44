import type { Command } from 'commander'

/** Every command that does something and is not hidden, by the words that are typed for it: of one with commands of its own, those. Pure. */
export function commandsOf(program: Command, words = ''): (readonly [words: string, command: Command])[] {
  if (program.commands.length === 0) return [[words.trim(), program]]
  const visible = program.createHelp().visibleCommands(program)
  return visible.filter((one) => one.name() !== 'help').flatMap((one) => commandsOf(one, `${words} ${one.name()}`))
}
