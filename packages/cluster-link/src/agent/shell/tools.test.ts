import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CommandFailed, type Shell, ToolMissing } from './shell.ts'
import { watchTools } from './tools.ts'

/** A host without these programs. */
function hostWithout(missing: Set<string>): Shell {
  const start = async ([tool = '']: readonly string[]) => {
    if (missing.has(tool)) throw new ToolMissing(tool)
    if (tool === 'false') throw new CommandFailed(['false'], 1, '')
    return ''
  }
  return {
    run: start,
    follow: async (argv, { onLine }) => {
      await start(argv)
      onLine('a line')
    },
    detach: async (argv) => {
      await start(argv)
    },
  }
}

describe('programs that are missing', () => {
  const signal = new AbortController().signal
  const onLine = () => {}

  it('are named once, and not any more when they are there', async () => {
    const missing = new Set(['nft', 'fping'])
    const told: string[] = []
    const shell = watchTools(hostWithout(missing), (tools) => told.push(tools.join()))
    await assert.rejects(shell.run(['nft', '-f']), ToolMissing)
    await assert.rejects(shell.run(['nft', '-f']), ToolMissing)
    await assert.rejects(shell.follow(['fping'], { signal, onLine }), ToolMissing)
    missing.clear()
    await shell.follow(['fping'], { signal, onLine })
    await shell.run(['nft'])
    await shell.run(['nft'])
    assert.deepEqual(told, ['nft', 'fping,nft', 'nft', ''])
  })

  it('are no matter where they would have nothing to do, nor are those that fail', async () => {
    const told: string[] = []
    const shell = watchTools(hostWithout(new Set(['iptables'])), (tools) => told.push(tools.join()))
    await assert.rejects(shell.run(['iptables', '-S']), ToolMissing)
    await assert.rejects(shell.run(['false']), CommandFailed)
    assert.deepEqual(told, [])
  })
})
