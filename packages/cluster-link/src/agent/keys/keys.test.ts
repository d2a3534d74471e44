import assert from 'node:assert/strict'
import { mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { followKeys, loadKeys } from './keys.ts'

const [first, second] = [{ requestedAt: '2026-11-29T12:00:00Z' }, { requestedAt: '2026-12-29T12:00:00Z' }]

describe('the keys of a node', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kosmos-link-'))
  })
  afterEach(() => rm(folder, { recursive: true }))
  const publicKeys = async () => {
    const { wireGuard, ipsec } = await loadKeys(folder)
    return { wireGuard: wireGuard.publicKey, ipsec: ipsec.publicKey }
  }

  it('are made once, and kept', async () => {
    const made = await publicKeys()
    assert.deepEqual(await publicKeys(), made)
    assert.deepEqual(await followKeys(folder, undefined), {})
  })

  it('stay while the next ones are made, which are the same ones whenever they are asked for again', async () => {
    const before = await publicKeys()
    const { next } = await followKeys(folder, first)
    assert.ok(next)
    assert.deepEqual(await followKeys(folder, first), { next })
    assert.deepEqual(await publicKeys(), before)
    assert.notEqual(next.wireGuard, before.wireGuard)
    for (const file of await readdir(folder)) assert.equal((await stat(join(folder, file))).mode & 0o777, 0o600, file)
  })

  it('are the next ones when these are to be used, and nothing of the old ones is left', async () => {
    const { next } = await followKeys(folder, first)
    assert.ok(next)
    const asked = { ...first, use: next.wireGuard }
    assert.deepEqual(await followKeys(folder, asked), first)
    assert.deepEqual(await publicKeys(), { wireGuard: next.wireGuard, ipsec: next.ipsec })
    assert.deepEqual(await followKeys(folder, asked), first)
    assert.deepEqual((await readdir(folder)).sort(), ['ipsec.pem', 'keys.json', 'wireguard.key'])
  })

  it('are not gone over to when others are to be used than were made', async () => {
    const before = await publicKeys()
    const { next } = await followKeys(folder, { ...first, use: 'of another node, or from before this one was lost' })
    assert.ok(next)
    assert.deepEqual(await publicKeys(), before)
  })

  it('are others for another request; those that were asked for before are forgotten', async () => {
    const before = await followKeys(folder, first)
    const after = await followKeys(folder, second)
    assert.equal(after.next?.requestedAt, second.requestedAt)
    assert.notEqual(after.next.wireGuard, before.next?.wireGuard)
    assert.deepEqual(await followKeys(folder, undefined), {})
    assert.ok((await readdir(folder)).every((file) => !file.includes('next')))
  })

  for (const done of [['wireguard'], ['wireguard', 'ipsec']]) {
    it(`are all gone over to when the agent was killed after ${done.join(' and ')}`, async () => {
      await publicKeys()
      const { next } = await followKeys(folder, first)
      assert.ok(next)
      if (done.includes('wireguard')) await rename(join(folder, 'wireguard.next.key'), join(folder, 'wireguard.key'))
      if (done.includes('ipsec')) await rename(join(folder, 'ipsec.next.pem'), join(folder, 'ipsec.pem'))
      assert.deepEqual(await followKeys(folder, first), first)
      assert.deepEqual(await publicKeys(), { wireGuard: next.wireGuard, ipsec: next.ipsec })
    })
  }

  it('are made anew when the agent was killed while it made them: nobody knows of half of them', async () => {
    await followKeys(folder, first)
    await rm(join(folder, 'keys.next.json'))
    const before = await publicKeys()
    const { next } = await followKeys(folder, first)
    assert.equal(next?.requestedAt, first.requestedAt)
    assert.deepEqual(await publicKeys(), before)
  })
})
