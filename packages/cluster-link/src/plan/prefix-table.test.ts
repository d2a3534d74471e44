import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { contains, formatCidr, parseCidr } from '@kosmos/kube/addresses'
import fc from 'fast-check'
import { PrefixTable } from './prefix-table.ts'

describe('a table of prefixes', () => {
  it('finds what a search of all networks finds, the smallest one first', () => {
    const address = fc.integer({ min: 0, max: 255 }).map((n) => `10.0.0.${n}`)
    const network = fc.tuple(address, fc.integer({ min: 24, max: 32 })).map(([base, prefix]) => `${base}/${prefix}`)
    fc.assert(
      fc.property(fc.array(network), address, (networks, wanted) => {
        const table = new PrefixTable<string>()
        const parsed = networks.map(parseCidr)
        for (const one of parsed) table.add(one, formatCidr(one))
        const expected = parsed
          .filter((one) => contains(one, parseCidr(wanted)))
          .sort((a, b) => b.prefix - a.prefix)
          .map(formatCidr)
        assert.deepEqual([...table.matches(parseCidr(wanted))].flat(), expected)
      }),
    )
  })

  it('keeps families apart', () => {
    const table = new PrefixTable<string>()
    table.add(parseCidr('0.0.0.0/0'), 'v4')
    assert.deepEqual([...table.matches(parseCidr('::1'))], [])
  })
})
