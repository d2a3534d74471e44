import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  canonicalAddress,
  canonicalEndpoint,
  canonicalNetwork,
  canonicalPrefix,
  contains,
  hostMaskOf,
  parseNetwork,
} from './cidr.ts'

describe('addresses and networks', () => {
  it('are in the form in which the kernel prints them', () => {
    assert.equal(canonicalAddress('FD00:0:0:0::0001'), 'fd00::1')
    assert.equal(canonicalPrefix('fd22:0::1/128'), 'fd22::1/128')
    assert.equal(canonicalPrefix('220.0.2.1'), '220.0.2.1/32')
    assert.equal(canonicalNetwork('10.1.2.3/16'), '10.1.0.0/16')
    assert.equal(canonicalNetwork('fd00:1:2:3:4::/64'), 'fd00:1:2:3::/64')
    assert.equal(canonicalNetwork('0.0.0.0/0'), '0.0.0.0/0')
  })

  it('stay as they are in that form', () => {
    fc.assert(
      fc.property(fc.ipV6(), (text) => assert.equal(canonicalAddress(canonicalAddress(text)), canonicalAddress(text))),
    )
    fc.assert(fc.property(fc.ipV4(), (text) => assert.equal(canonicalAddress(text), text)))
  })

  it('are endpoints with a port', () => {
    assert.equal(canonicalEndpoint('192.0.2.1:51872'), '192.0.2.1:51872')
    assert.equal(canonicalEndpoint('[2001:DB8:0::1]:51872'), '[2001:db8::1]:51872')
    for (const text of ['192.0.2.1', '2001:db8::1:51872', 'host:1'])
      assert.throws(() => canonicalEndpoint(text), TypeError)
  })

  it('have a host part', () => {
    assert.equal(hostMaskOf('10.96.0.0/12'), '0.15.255.255')
    assert.equal(hostMaskOf('fd96::/112'), '::ffff')
    assert.equal(hostMaskOf('10.0.0.1/32'), '0.0.0.0')
  })

  it('contain others of their family', () => {
    assert(contains('240.0.0.0/8', '240.9.8.7'))
    assert(contains('10.0.0.0/8', '10.1.0.0/16'))
    assert(!contains('10.1.0.0/16', '10.0.0.0/8'))
    assert(!contains('0.0.0.0/0', 'fd00::1'))
  })

  it('are refused when they are none', () => {
    for (const text of ['', '10.0.0', '10.0.0.0/33', 'fd00::/129', '10.0.0.0/x', 'fd00:::1'])
      assert.throws(() => parseNetwork(text), TypeError, text)
  })
})
