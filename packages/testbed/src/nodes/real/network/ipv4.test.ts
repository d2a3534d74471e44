import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { formatRange, nthAddress, nthSubrange, overlaps, parseRange } from './ipv4.ts'

const range = fc
  .record({ address: fc.ipV4(), prefix: fc.integer({ min: 0, max: 32 }) })
  .map(({ address, prefix }) => parseRange(`${address}/${prefix}`))

describe('an IPv4 range', () => {
  it('reads back as it was written', () => {
    fc.assert(fc.property(range, (r) => assert.deepEqual(parseRange(formatRange(r)), r)))
  })

  it('drops the bits beyond its prefix, and takes an address alone as a range of one', () => {
    assert.equal(formatRange(parseRange('172.28.7.9/24')), '172.28.7.0/24')
    assert.equal(formatRange(parseRange('255.255.255.255')), '255.255.255.255/32')
  })

  it('refuses what is no IPv4 range', () => {
    for (const text of ['', '10.0.0', '10.0.0.256', '10.0.0.0/33', 'fd00::/64', 'a.b.c.d'])
      assert.throws(() => parseRange(text), /is not an IPv4 range/)
  })

  it('counts its addresses and refuses those that it has not', () => {
    const small = parseRange('10.64.0.0/30')
    assert.equal(nthAddress(small, 3), '10.64.0.3')
    assert.throws(() => nthAddress(small, 4), /10\.64\.0\.0\/30 has no address number 4/)
  })

  it('overlaps with its parts, and its parts do not overlap each other', () => {
    const whole = parseRange('10.128.0.0/16')
    const part = fc.integer({ min: 0, max: 255 })
    fc.assert(
      fc.property(part, part, (a, b) => {
        const [first, second] = [nthSubrange(whole, 24, a), nthSubrange(whole, 24, b)]
        assert.ok(overlaps(whole, first) && overlaps(first, whole))
        assert.equal(overlaps(first, second), a === b)
      }),
    )
    assert.throws(() => nthSubrange(whole, 24, 256), /no \/24 number 256/)
  })
})
