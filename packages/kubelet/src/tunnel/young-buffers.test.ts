import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** How often the whole heap is marked while a fast session passes 256 MiB. */
async function timesMarked(...flags: string[]): Promise<number> {
  const session = fileURLToPath(new URL('../testing/fast-session.ts', import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, session])
  return Number(stdout)
}

describe('countPassed', () => {
  it('spares marking the whole heap again and again for buffers of chunks that are gone', async () => {
    const without = await timesMarked()
    const allowed = await timesMarked('--expose-gc')
    assert.ok(without >= 4, `only ${without} times without it: V8 has changed, and this is needed no longer`)
    assert.ok(allowed <= without / 2, `${allowed} times with it, ${without} without`)
  })
})
