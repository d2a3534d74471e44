import type { Command } from 'commander'

/** Every command that does something, by the words that are typed for it: of one with commands of its own, those. Pure. */
export function commandsOf(program: Command, words = ''): (readonly [words: string, command: Command])[] {
  if (program.commands.length === 0) return [[words.trim(), program]]
  return program.commands.flatMap((one) => commandsOf(one, `${words} ${one.name()}`))
}
