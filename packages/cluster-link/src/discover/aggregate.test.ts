import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Cidr, contains, formatCidr, overlaps, parseCidr } from '@kosmos/kube/addresses'
import fc from 'fast-check'
import { aggregate } from './aggregate.ts'

/** Of one /24, so that they meet. */
const network = fc
  .record({ prefix: fc.integer({ min: 24, max: 30 }), last: fc.integer({ min: 0, max: 255 }) })
  .map(({ prefix, last }) => parseCidr(`10.1.1.${last}/${prefix}`))
const few = fc.array(network, { maxLength: 20 })

const addressesOf = (networks: readonly Cidr[]): Set<number> =>
  new Set(
    Array.from({ length: 256 }, (_, last) => last).filter((last) =>
      networks.some((one) => contains(one, parseCidr(`10.1.1.${last}`))),
    ),
  )

describe('networks put together', () => {
  it('have the same addresses as before, each in one of them', () => {
    fc.assert(
      fc.property(few, (networks) => {
        const together = aggregate(networks)
        assert.deepEqual(addressesOf(together), addressesOf(networks))
        for (const a of together) for (const b of together) assert.ok(a === b || !overlaps(a, b))
      }),
    )
  })

  it('are as few as can be: none is half of a larger one whose other half is there', () => {
    fc.assert(
      fc.property(few, (networks) => {
        const together = aggregate(networks)
        const parents = together.map((one) =>
          formatCidr(parseCidr(`${formatCidr(one).split('/')[0]}/${one.prefix - 1}`)),
        )
        assert.equal(new Set(parents).size, parents.length)
      }),
    )
  })

  it('keep families apart', () => {
    const both = ['fd00:0:0:1::/64', '10.0.1.0/24', 'fd00::/64', '10.0.0.0/24'].map(parseCidr)
    assert.deepEqual(aggregate(both).map(formatCidr), ['10.0.0.0/23', 'fd00::/63'])
  })
})
