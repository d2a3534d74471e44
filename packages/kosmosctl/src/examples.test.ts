import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { addCompletion } from './completion/completion.ts'
import { examples } from './examples.ts'
import { createProgram } from './program.ts'
import { commandsOf } from './terminal/commands.ts'
import { silent } from './terminal/progress.ts'

/** The program, in which no command does anything. */
async function idle(taken: string[]) {
  let said = ''
  const output = { writeOut: (text: string) => (said += text), writeErr: (text: string) => (said += text) }
  const program = createProgram({ print: () => {}, progress: silent }, output)
  await addCompletion(program, [])
  for (const [words, command] of commandsOf(program)) command.action(() => void taken.push(words))
  return { program, said: () => said }
}

describe('the examples of a command', () => {
  it('are there for every command, in its help, and for nothing else', async () => {
    const { program, said } = await idle([])
    const names = commandsOf(program).map(([words]) => words)
    assert.deepEqual(Object.keys(examples).sort(), names.filter((name) => name !== 'complete').sort())
    for (const [words, lines] of Object.entries(examples)) {
      await assert.rejects(program.parseAsync([...words.split(' '), '--help'], { from: 'user' }), /outputHelp/)
      for (const line of lines) assert.ok(said().includes(`\n  ${line}\n`), line)
    }
  })

  it('are taken by it as they are', async () => {
    for (const [words, lines] of Object.entries(examples)) {
      for (const line of lines) {
        const taken: string[] = []
        const { program, said } = await idle(taken)
        const typed = line.replace(/^.*kosmosctl /, '').replace(/\)$| > \S+$/, '')
        await program.parseAsync(typed.split(' '), { from: 'user' }).catch(() => assert.fail(`${line}: ${said()}`))
        assert.deepEqual(taken, [words], line)
      }
    }
  })
})
