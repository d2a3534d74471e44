import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Command } from 'commander'
import { createProgram } from './program.ts'
import { commandsOf } from './terminal/commands.ts'
import type { Terminal } from './terminal/context.ts'

const commands = commandsOf(createProgram({} as Terminal))
const optionOf = (command: Command, long: string) => command.options.find((option) => option.long === long)

describe('every command', () => {
  it('that tells something does so as a table, as JSON and as YAML', () => {
    // A script of a shell.
    const others = ['completion']
    for (const [words, command] of commands) {
      if (others.some((other) => words.startsWith(other))) continue
      const choices = optionOf(command, '--output')?.argChoices ?? []
      for (const form of ['table', 'json', 'yaml']) assert.ok(choices.includes(form), `${words} -o ${form}`)
    }
  })

  it('that changes something can be asked what it would change', () => {
    const changing = commands.filter(
      ([words]) => !/^(get|explain|simulate|check|link (check|trace|bundle)|version|completion)/.test(words),
    )
    assert.ok(changing.length > 8)
    for (const [words, command] of changing) assert.ok(optionOf(command, '--dry-run'), `${words} --dry-run`)
  })
})
