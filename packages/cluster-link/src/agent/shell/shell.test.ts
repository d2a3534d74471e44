import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CommandFailed, createShell, ToolMissing } from './shell.ts'

describe('a program', () => {
  const shell = createShell()

  it('gives what it prints, and reads what it is given', async () => {
    assert.equal(await shell.run(['cat'], 'text'), 'text')
  })

  it('that fails says so in its own words', async () => {
    await assert.rejects(shell.run(['sh', '-c', 'echo "no such thing" >&2; exit 3']), (error: CommandFailed) => {
      assert(error instanceof CommandFailed)
      assert.equal(error.code, 3)
      assert.match(error.message, /no such thing$/)
      return true
    })
  })

  it('may end without reading', async () => {
    assert.equal(await shell.run(['true'], 'x'.repeat(1_000_000)), '')
  })

  it('that is not there is named, by whatever it is started', async () => {
    const isMissing = (error: ToolMissing) => error instanceof ToolMissing && error.tool === 'no-such-program'
    await assert.rejects(shell.run(['no-such-program']), isMissing)
    await assert.rejects(createShell(['env']).run(['no-such-program']), isMissing)
  })

  it('that is to be followed and is not there says nothing', async () => {
    const lines: string[] = []
    const following = shell.follow(['no-such-program'], {
      signal: new AbortController().signal,
      onLine: (line) => lines.push(line),
    })
    await assert.rejects(following, ToolMissing)
    assert.deepEqual(lines, [])
  })

  it('is followed line by line until it ends or is ended', async () => {
    const lines: string[] = []
    const onLine = (line: string) => lines.push(line)
    await shell.follow(['sh', '-c', 'echo one; echo two'], { signal: new AbortController().signal, onLine })
    assert.deepEqual(lines, ['one', 'two'])
    const stop = new AbortController()
    const following = shell.follow(['sh', '-c', 'echo three; exec sleep 60'], {
      signal: stop.signal,
      onLine: () => stop.abort(),
    })
    await following
  })
})
