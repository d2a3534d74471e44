import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Cidr, contains, formatCidr, parseCidr } from '@kosmos/kube/addresses'
import fc from 'fast-check'
import { without } from './without.ts'

const network = parseCidr('10.1.1.0/24')
const others = fc.array(
  fc
    .record({ prefix: fc.integer({ min: 23, max: 32 }), last: fc.integer({ min: 0, max: 1023 }) })
    .map(({ prefix, last }) => parseCidr(`10.1.${last >> 8}.${last & 255}/${prefix}`)),
  { maxLength: 6 },
)
const all = Array.from({ length: 256 }, (_, last) => parseCidr(`10.1.1.${last}`))
const isIn = (networks: readonly Cidr[], address: Cidr) => networks.some((one) => contains(one, address))

describe('a network without some of its addresses', () => {
  it('has all of its other addresses, each once, and none of those', () => {
    fc.assert(
      fc.property(others, (some) => {
        const left = without(network, some)
        for (const address of all) {
          const times = left.filter((one) => contains(one, address)).length
          assert.equal(times, isIn(some, address) ? 0 : 1, formatCidr(address))
        }
      }),
    )
  })

  it('is a network for each bit that one address is longer, and the network itself where nothing is taken', () => {
    const one = parseCidr('10.1.1.9')
    assert.deepEqual(without(parseCidr('10.1.1.0/26'), [one]).map(formatCidr), [
      '10.1.1.0/29',
      '10.1.1.8/32',
      '10.1.1.10/31',
      '10.1.1.12/30',
      '10.1.1.16/28',
      '10.1.1.32/27',
    ])
    assert.deepEqual(without(network, [parseCidr('10.1.2.0/24'), parseCidr('fd00::1')]), [network])
  })
})
