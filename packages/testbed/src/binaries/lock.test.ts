import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { silent } from '../progress.ts'
import { withLock } from './lock.ts'

describe('a lock between commands', () => {
  let dir = ''
  beforeEach(() => {
    dir = mkdtempSync(path.join(os.tmpdir(), 'kosmos-lock-'))
  })
  afterEach(() => rmSync(dir, { recursive: true, force: true }))

  it('lets one in at a time and is gone afterwards', async () => {
    let inside = 0
    let most = 0
    const enter = () =>
      withLock(path.join(dir, 'lock'), silent, async () => {
        most = Math.max(most, ++inside)
        await sleep(5)
        inside--
      })
    await Promise.all([enter(), enter(), enter()])
    assert.equal(most, 1)
    assert.deepEqual(readdirSync(dir), [])
  })

  it('is given back when the work fails', async () => {
    const file = path.join(dir, 'lock')
    await assert.rejects(
      withLock(file, silent, () => Promise.reject(new Error('no'))),
      /no/,
    )
    assert.equal(await withLock(file, silent, async () => 'in'), 'in')
  })

  it('of a dead process is taken over', async () => {
    const file = path.join(dir, 'lock')
    writeFileSync(file, JSON.stringify({ pid: process.pid, startTime: 1 }))
    assert.equal(await withLock(file, silent, async () => 'in'), 'in')
  })
})
