import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, describe, it } from 'node:test'
import { ensureImages } from './build.ts'

describe('the cache of image archives', () => {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'kosmos-images-'))
  after(() => rmSync(dir, { recursive: true, force: true }))
  const cache = path.join(dir, 'cache')
  const busybox = path.join(dir, 'busybox')
  writeFileSync(busybox, '#!/bin/sh\nprintf "busybox\\nsh\\n"\n', { mode: 0o755 })
  const pause = path.join(dir, 'pause')
  const ensure = () => ensureImages(['pause', 'busybox'], { pause, busybox }, cache)

  it('makes each image once, and again when a file that it holds has changed', async () => {
    writeFileSync(pause, 'first')
    const first = await ensure()
    const inodes = first.map((file) => statSync(file).ino)
    assert.deepEqual(
      (await ensure()).map((file) => statSync(file).ino),
      inodes,
    )
    writeFileSync(pause, 'second version')
    const second = await ensure()
    assert.notEqual(second[0], first[0], 'pause is another image now')
    assert.equal(second[1], first[1], 'busybox is not')
    assert.equal(readdirSync(cache).length, 3)
  })

  it('makes it whole for two who ask at the same time', async () => {
    writeFileSync(pause, 'third and last version')
    const [first, second] = await Promise.all([ensure(), ensure()])
    assert.deepEqual(first, second)
    assert.ok(first.every((file) => statSync(file).size > 0))
    assert.deepEqual(
      readdirSync(cache).filter((name) => name.endsWith('.partial')),
      [],
    )
  })
})
