import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, describe, it } from 'node:test'
import { entriesOf } from './debian-tree.ts'

describe('a folder of unpacked packages in an image', () => {
  const root = mkdtempSync(path.join(os.tmpdir(), 'kosmos-tree-'))
  after(() => rmSync(root, { recursive: true, force: true }))
  mkdirSync(path.join(root, 'usr/share/doc'), { recursive: true })
  writeFileSync(path.join(root, 'usr/share/doc/manual'), 'long')
  writeFileSync(path.join(root, 'usr/tool'), 'a program')
  chmodSync(path.join(root, 'usr/tool'), 0o4755)
  chmodSync(path.join(root, 'usr/share'), 0o755)
  symlinkSync('/usr/tool', path.join(root, 'link'))

  it('keeps modes, and links as they are, also those that lead nowhere on this machine', () => {
    const entries = entriesOf(root, /^\/usr\/share/)
    assert.deepEqual(
      entries.map(({ path: file, ...rest }) => [file, 'mode' in rest ? rest.mode?.toString(8) : 'link']),
      [
        ['/link', 'link'],
        ['/usr', '755'],
        ['/usr/tool', '4755'],
      ],
    )
    assert.deepEqual(entries[0], { path: '/link', linkTo: '/usr/tool' })
  })

  it('leaves out what matches, with everything below it', () => {
    const paths = entriesOf(root, /doc$/).map((entry) => entry.path)
    assert.deepEqual(paths, ['/link', '/usr', '/usr/share', '/usr/tool'])
  })
})
