import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { chosenLink, chosenTree } from './chosen.ts'

describe('a cluster that is joined again', () => {
  const before = { enable: true, networkType: 'gateway', tunnel: 'wireguard', ipFamily: 'ipv4' } as const

  it('keeps what was said of ClusterLink and is not said again: it never falls back to clear text', () => {
    assert.deepEqual(chosenLink({ link: before }, undefined), before)
    assert.deepEqual(chosenLink({ link: before }, {}), before)
    assert.deepEqual(chosenLink({ link: before }, { tunnel: 'ipsec' }), { ...before, tunnel: 'ipsec' })
  })

  it('is linked when that is said, and not because it has been', () => {
    const off = { ...before, enable: false }
    assert.deepEqual(chosenLink({ link: off }, undefined), off)
    assert.deepEqual(chosenLink({ link: off }, {}), before)
    assert.equal(chosenLink({}, undefined), undefined)
    assert.deepEqual(chosenLink(undefined, { networkType: 'p2p' }), { enable: true, networkType: 'p2p' })
  })

  it('has virtual nodes as before, at first yes', () => {
    assert.equal(chosenTree(undefined, undefined), true)
    assert.equal(chosenTree({ tree: false }, undefined), false)
    assert.equal(chosenTree({ tree: false }, true), true)
  })
})
