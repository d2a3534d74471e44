import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { contains, parseCidr } from '@kosmos/kube/addresses'
import fc from 'fast-check'
import type { LinkCluster, LinkNetwork } from '../model/network.ts'
import { addressesSeen } from './addresses.ts'

const cluster = (name: string, networks: Readonly<Record<string, string>>, strangers: string[] = []): LinkCluster => ({
  name,
  networkType: 'p2p',
  tunnel: 'vxlan',
  families: new Set([4]),
  bridge: {},
  local: {},
  networks: Object.entries(networks).map(([local, global]) => ({
    kind: 'Pod',
    local: parseCidr(local),
    global: parseCidr(global),
  })),
  nodes: new Map(),
  strangers: new Map(strangers.map((stranger) => [stranger, ['apart']])),
})
const networkOf = (...all: LinkCluster[]): LinkNetwork => new Map(all.map((one) => [one.name, one]))

describe('an address of one cluster in another', () => {
  const network = networkOf(
    cluster('root', { '10.9.0.0/16': '10.9.0.0/16' }),
    cluster('a', { '10.1.0.0/16': '242.0.0.0/16' }),
    cluster('b', { '10.1.0.0/20': '242.1.0.0/20' }),
  )
  const seen = (reader: string, source: string, address: string) => addressesSeen(network, reader, source)?.(address)

  it('is that of GlobalIP where its network is mapped, whatever the length of the prefix', () => {
    assert.equal(seen('b', 'a', '10.1.200.7'), '242.0.200.7')
    assert.equal(seen('a', 'b', '10.1.3.7'), '242.1.3.7')
    assert.equal(seen('a', 'root', '10.9.0.5'), '10.9.0.5')
    assert.equal(seen('a', 'a', '10.1.0.7'), '10.1.0.7')
  })

  it('is found from the root’s slices as well, which show pods of leaves by their global addresses', () => {
    assert.equal(seen('a', 'root', '242.0.0.7'), '10.1.0.7')
    assert.equal(seen('b', 'root', '242.0.0.7'), '242.0.0.7')
  })

  it('stays where nobody has its network', () => assert.equal(seen('b', 'a', '192.0.2.1'), '192.0.2.1'))

  it('is none where another network hides it', () => {
    const hidden = networkOf(
      cluster('a', { '10.1.0.0/16': '10.1.0.0/16' }),
      cluster('b', { '10.1.0.0/24': '10.1.0.0/24' }),
    )
    assert.equal(addressesSeen(hidden, 'b', 'a')?.('10.1.0.7'), undefined)
  })

  it('is none of a cluster that policies keep apart, also in the slices of a third', () => {
    const apart = networkOf(
      cluster('root', { '10.9.0.0/16': '10.9.0.0/16' }),
      cluster('a', { '10.1.0.0/16': '10.1.0.0/16' }, ['b']),
      cluster('b', { '10.2.0.0/16': '10.2.0.0/16' }, ['a']),
    )
    assert.equal(addressesSeen(apart, 'b', 'root')?.('10.1.0.7'), undefined)
    assert.equal(addressesSeen(apart, 'b', 'root')?.('10.9.0.7'), '10.9.0.7')
  })

  it('is not known before the networks of both are', () => {
    const half = networkOf(cluster('a', {}), cluster('b', { '10.1.0.0/16': '10.1.0.0/16' }))
    assert.equal(addressesSeen(half, 'b', 'a'), undefined)
    assert.equal(addressesSeen(half, 'c', 'b'), undefined)
  })

  it('never is one of the reader’s own', () => {
    const address = fc.integer({ min: 0, max: 2 ** 12 - 1 }).map((n) => `10.1.${n >> 8}.${n & 255}`)
    fc.assert(
      fc.property(address, (one) => {
        const there = seen('b', 'a', one)
        assert.ok(there && !contains(parseCidr('10.1.0.0/20'), parseCidr(there)))
      }),
    )
  })
})
