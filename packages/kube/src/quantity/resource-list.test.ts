import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  addResources,
  equalResources,
  formatResources,
  maxResources,
  parseResources,
  subtractResources,
} from './resource-list.ts'

const lists = fc
  .dictionary(
    fc.constantFrom('cpu', 'memory', 'pods', 'nvidia.com/gpu'),
    fc.oneof(
      fc.nat(5000).map((n) => `${n}m`),
      fc.nat(5000).map((n) => `${n}Mi`),
      fc.nat(10).map(String),
    ),
  )
  .map(parseResources)

describe('lists of resources', () => {
  const a = parseResources({ cpu: '500m', memory: '1Gi' })
  const b = parseResources({ cpu: '1', pods: '3' })

  it('are added, taken from each other and maximised by name', () => {
    assert.deepEqual(formatResources(addResources(a, b)), { cpu: '1500m', memory: '1Gi', pods: '3' })
    assert.deepEqual(formatResources(subtractResources(a, b)), { cpu: '-500m', memory: '1Gi', pods: '-3' })
    assert.deepEqual(formatResources(maxResources(a, b)), { cpu: '1', memory: '1Gi', pods: '3' })
  })

  it('are equal if the amounts are, however written', () => {
    assert.ok(equalResources(a, parseResources({ memory: '1024Mi', cpu: '0.5' })))
    assert.ok(!equalResources(a, parseResources({ cpu: '500m' })))
    assert.ok(!equalResources(parseResources({ cpu: '0' }), parseResources({ pods: '0' })))
  })

  it('are empty for undefined', () => {
    assert.equal(parseResources(undefined).size, 0)
  })

  it('have no more than thousandths, like those of the core API', () => {
    const written = (cpu: string) => formatResources(parseResources({ cpu })).cpu
    assert.deepEqual(['1n', '1000100u', '1001000u', '-1n', '64Ki'].map(written), [
      '1m',
      '1001m',
      '1001m',
      '-1m',
      '64Ki',
    ])
  })

  it('keep the totals of pods that come and go exact', () => {
    fc.assert(
      fc.property(lists, fc.array(lists), (start, pods) => {
        const full = pods.reduce(addResources, start)
        const back = pods.reduce(subtractResources, full)
        for (const [name, amount] of back) assert.ok(start.get(name)?.equals(amount) ?? amount.isZero)
      }),
    )
  })

  it('do not change the lists they were made from', () => {
    fc.assert(
      fc.property(lists, lists, (x, y) => {
        const before = JSON.stringify([formatResources(x), formatResources(y)])
        addResources(x, y)
        subtractResources(x, y)
        maxResources(x, y)
        assert.equal(JSON.stringify([formatResources(x), formatResources(y)]), before)
      }),
    )
  })
})
