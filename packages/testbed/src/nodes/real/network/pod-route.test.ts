import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { overlaps, parseRange } from './ipv4.ts'
import { podRanges } from './pod-route.ts'

describe('the ranges that pods of real nodes may get', () => {
  it('are the upper half of the cluster’s range, each once, wherever the search begins', () => {
    const lower = parseRange('10.129.0.0/17')
    fc.assert(
      fc.property(fc.nat(10_000), (start) => {
        const ranges = podRanges('10.129.0.0/16', start)
        assert.equal(ranges[0], `10.129.${128 + (start % 128)}.0/24`)
        assert.equal(new Set(ranges).size, 128)
        assert.ok(ranges.every((r) => r.startsWith('10.129.') && !overlaps(parseRange(r), lower)))
      }),
    )
  })
})
