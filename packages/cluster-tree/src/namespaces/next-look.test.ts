import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { configMaps, persistentVolumeClaims, pods } from '@kosmos/kube'
import { NextLook } from './next-look.ts'

const ours = { metadata: { labels: { 'kosmos.io/root-cluster': 'root-1' } } }
const orphan = { metadata: { labels: { 'kosmos.io/root-cluster': 'root-1', 'kosmos.io/orphan': 'true' } } }

describe('a namespace that the root has deleted', () => {
  it('is looked at soon while the last copies end, and not once nothing is left', () => {
    const look = new NextLook('root-1')
    assert.equal(look.afterMs, undefined)
    assert(!look.note({ metadata: { labels: { 'kosmos.io/root-cluster': 'another' } } }, pods))
    assert.equal(look.afterMs, undefined)
    assert(look.note(ours, pods))
    assert(look.note(ours, persistentVolumeClaims))
    assert.equal(look.afterMs, 3_000)
  })

  it('is looked at rarely while only claims are in it, or orphans with what they mount', () => {
    const claims = new NextLook('root-1')
    claims.note(ours, persistentVolumeClaims)
    assert.equal(claims.afterMs, 60_000)
    const orphans = new NextLook('root-1')
    orphans.note(orphan, pods)
    orphans.note(ours, configMaps)
    assert.equal(orphans.afterMs, 60_000)
  })
})
