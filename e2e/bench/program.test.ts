import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { InvalidArgumentError } from 'commander'
import { program } from './program.ts'

const valued = program.commands.flatMap((command) =>
  command.options.filter(({ required }) => required).map((option) => ({ command: command.name(), option })),
)

describe('a benchmark', () => {
  for (const { command, option } of valued) {
    it(`${command} takes nothing for ${option.long} that makes no sense`, () => {
      for (const text of ['', 'abc', '-1', '12a', '1e9', 'NaN', 'Infinity', '99999999999999999999']) {
        assert.throws(() => option.parseArg?.(text, undefined as never), InvalidArgumentError, text)
      }
    })
  }

  it('takes what does', () => {
    const read = (command: string, long: string, text: string) =>
      valued
        .find((one) => one.command === command && one.option.long === long)
        ?.option.parseArg?.(text, undefined as never)
    assert.equal(read('pods', '--count', '500'), 500)
    assert.equal(read('pods', '--rest', '0'), 0)
    assert.equal(read('fragmentation', '--use', '.85'), 0.85)
  })

  it('is not run with a wrong command line, which ends with 2 and a sentence', () => {
    const main = fileURLToPath(new URL('main.ts', import.meta.url))
    const { status, stderr } = spawnSync(process.execPath, [main, 'pods', '--count', 'abc'], { encoding: 'utf8' })
    assert.equal(status, 2)
    assert.match(stderr, /'--count <pods>' argument 'abc' is invalid\. Give a whole number from 1 on\./)
  })
})
