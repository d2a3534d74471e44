import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { type Cidr, contains, formatCidr, hostBits, nthAddress, overlaps, parseCidr, translate } from './cidr.ts'

const networks: fc.Arbitrary<Cidr> = fc
  .oneof(fc.tuple(fc.ipV4(), fc.integer({ min: 0, max: 32 })), fc.tuple(fc.ipV6(), fc.integer({ min: 0, max: 128 })))
  .map(([address, prefix]) => parseCidr(`${address}/${prefix}`))

describe('a network', () => {
  it('is read from what is written of it, host bits dropped', () => {
    assert.equal(formatCidr(parseCidr('10.1.2.3/16')), '10.1.0.0/16')
    assert.equal(formatCidr(parseCidr('FD00:0:0::5/64')), 'fd00::/64')
    assert.equal(formatCidr(parseCidr('192.0.2.1')), '192.0.2.1/32')
    fc.assert(fc.property(networks, (one) => assert.deepEqual(parseCidr(formatCidr(one)), one)))
  })

  it('is refused when it is none', () => {
    for (const text of ['', '10.1.0.0/33', '10.1', 'fd00::/129', 'pods', '10.1.0.0/x']) {
      assert.throws(() => parseCidr(text), TypeError, text)
    }
  })

  it('overlaps another one exactly when one is within the other', () => {
    fc.assert(fc.property(networks, networks, (a, b) => assert.equal(overlaps(a, b), contains(a, b) || contains(b, a))))
  })

  it('has as many addresses as its host bits say, each within it', () => {
    fc.assert(
      fc.property(networks, (one) => {
        const size = 1n << BigInt(hostBits(one))
        for (const n of [0n, size - 1n]) assert.ok(contains(one, parseCidr(nthAddress(one, n))))
        assert.throws(() => nthAddress(one, size), RangeError)
      }),
    )
  })

  it('is mapped to another place with its distance from the beginning kept', () => {
    const [from, to] = [parseCidr('10.0.0.0/8'), parseCidr('100.0.0.0/8')]
    assert.equal(formatCidr(translate(parseCidr('10.7.3.0/24'), from, to)), '100.7.3.0/24')
    assert.equal(formatCidr(translate(parseCidr('100.7.3.0/24'), to, from)), '10.7.3.0/24')
  })
})
