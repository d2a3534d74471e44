import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { describe, it } from 'node:test'
import { mountsBelow, undo } from './cleanup.ts'

describe('undoing what a test bed made', () => {
  const line = (point: string) => `36 35 98:0 / ${point} rw,noatime master:1 - ext4 /dev/root rw`

  it('finds mounts at and below a folder, deepest first, and no other folder that begins alike', () => {
    const text = [line('/'), line('/bed'), line('/bed/a'), line('/bed/a/b'), line('/bedroom')].join('\n')
    assert.deepEqual(mountsBelow(text, '/bed'), ['/bed/a/b', '/bed/a', '/bed'])
  })

  it('understands escaped characters in mount points', () => {
    assert.deepEqual(mountsBelow(line('/bed/with\\040space'), '/bed'), ['/bed/with space'])
  })

  it('removes a folder; twice is fine', async () => {
    const dir = mkdtempSync(path.join(os.tmpdir(), 'kosmos-cleanup-'))
    mkdirSync(path.join(dir, 'deep'))
    await undo({ kind: 'directory', path: dir })
    assert.equal(existsSync(dir), false)
    await undo({ kind: 'directory', path: dir })
  })

  it('takes what never existed as undone', async () => {
    await undo({ kind: 'cgroup', path: '/sys/fs/cgroup/kosmos-never-existed' })
    await undo({ kind: 'mounts', path: '/kosmos-never-existed' })
  })
})
