import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import path from 'node:path'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { silent } from '../progress.ts'
import { withLock } from './lock.ts'

describe('a lock between commands', () => {
  it('lets one in at a time', async () => {
    const name = `/test/${randomUUID()}`
    let inside = 0
    let most = 0
    const enter = () =>
      withLock(name, silent, async () => {
        most = Math.max(most, ++inside)
        await sleep(5)
        inside--
      })
    await Promise.all([enter(), enter(), enter()])
    assert.equal(most, 1)
  })

  it('is given back when the work fails', async () => {
    const name = `/test/${randomUUID()}`
    await assert.rejects(
      withLock(name, silent, () => Promise.reject(new Error('no'))),
      /no/,
    )
    assert.equal(await withLock(name, silent, async () => 'in'), 'in')
  })

  it('says whom it waits for, and is free when that process is killed', async () => {
    const name = `/test/${randomUUID()}`
    const lock = path.join(import.meta.dirname, 'lock.ts')
    const script = `import { withLock } from '${lock}'
      await withLock('${name}', { step() {}, update() {} }, () => { console.log('in'); return new Promise(() => setInterval(() => {}, 1000)) })`
    const holder = spawn(process.execPath, ['--input-type=module', '--eval', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(holder.stdout, 'data')
    const said: string[] = []
    const step = (text: string): void => {
      said.push(text)
      holder.kill('SIGKILL')
    }
    assert.equal(await withLock(name, { step, update() {} }, async () => 'in'), 'in')
    assert.deepEqual(said, [`waiting for process ${holder.pid}, which is working on ${name}`])
  })
})
