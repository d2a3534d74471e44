import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { describe, it } from 'node:test'
import { promisify } from 'node:util'
import { detachBelow, devicesOf, majorMinor } from './loop-devices.ts'

const run = promisify(execFile)

const file = (inode: number) => ({ fileSystem: '254:0', inode })
const node = (inode: number) => ({ fileSystem: '0:5', inode })

describe('loop devices of a folder', () => {
  it('are found by their file, and those on top of them come first', () => {
    const devices = [
      { name: '/dev/loop0', backing: file(7), self: node(100) },
      { name: '/dev/loop1', backing: node(100), self: node(101) },
      { name: '/dev/loop2', backing: file(8), self: node(102) },
    ]
    assert.deepEqual(devicesOf([file(7)], devices), ['/dev/loop1', '/dev/loop0'])
    assert.deepEqual(devicesOf([{ fileSystem: '254:1', inode: 7 }], devices), [])
  })

  it('are compared with what stat says of a file', () => {
    assert.equal(majorMinor(0xfe00), '254:0')
    assert.equal(majorMinor(0x10_07_05), '7:261')
  })

  it('are released, and no others', { skip: process.getuid?.() === 0 ? false : 'loop devices need root' }, async () => {
    if (!existsSync('/dev/loop-control')) return
    const dir = mkdtempSync(path.join(os.tmpdir(), 'kosmos-loop-'))
    const losetup = async (...args: string[]) => (await run('losetup', args)).stdout.trim()
    const attach = (of: string) => losetup('--find', '--show', of)
    const image = (name: string) => {
      writeFileSync(path.join(dir, name), '')
      truncateSync(path.join(dir, name), 2 ** 20)
      return path.join(dir, name)
    }
    const other = await attach(image('other'))
    try {
      mkdirSync(path.join(dir, 'node'))
      // A device is not released before what is on top of it.
      await attach(await attach(image('node/volume')))
      await detachBelow(path.join(dir, 'node'))
      const listed = await losetup('--list', '--noheadings', '--output', 'BACK-FILE')
      assert.ok(!listed.includes(path.join(dir, 'node')))
      assert.ok(listed.includes(path.join(dir, 'other')))
    } finally {
      await losetup('--detach', other)
      rmSync(dir, { recursive: true, force: true })
    }
  })
})
