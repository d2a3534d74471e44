import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { parseResources } from '@kosmos/kube'
import fc from 'fast-check'
import { Refusals } from './refusals.ts'

const MINUTE = 60_000
const cpu = (amount: number) => parseResources({ cpu: `${amount}`, pods: '1' })
const at = (node: string, amount: number, machines = 0) => ({ node, requests: cpu(amount), machines, message: 'no' })

describe('a node that took no pod after all', () => {
  let now = 0
  let refusals: Refusals
  const pauseOf = (amount: number) => refusals.endsWithinMs('shop/web', ['a'], cpu(amount))
  beforeEach(() => {
    now = 0
    refusals = new Refusals(() => now)
  })

  it('leaves out nodes that have refused, and copies no list of a thousand where none has', () => {
    const nodes = ['kosmos-leaf1', 'kosmos-leaf2']
    const refusals = new Refusals(() => 0)
    const requests = parseResources({ cpu: '1' })
    refusals.add('shop/web', { node: 'kosmos-leaf1', requests, machines: 1, message: '' })
    assert.deepEqual(refusals.open('shop/web', nodes, requests), ['kosmos-leaf2'])
    assert.equal(refusals.open('shop/db', nodes, requests), nodes)
  })

  it('is not asked again for 1, 2, 4 … 64 minutes, and from an hour later on as at first', () => {
    for (const minutes of [1, 2, 4, 8, 16, 32, 64, 64]) {
      refusals.add('shop/web', at('a', 2))
      assert.equal(pauseOf(2), minutes * MINUTE)
      now += minutes * MINUTE
      assert(!refusals.isRefused('shop/web', 'a', cpu(2)))
    }
    now += 64 * MINUTE
    assert.deepEqual(refusals.of('shop/web'), [])
    refusals.add('shop/web', at('a', 2))
    assert.equal(pauseOf(2), MINUTE)
  })

  it('is asked by pods that want less, by those of other policies, and others are asked by all', () => {
    refusals.add('shop/web', at('a', 2))
    assert(refusals.isRefused('shop/web', 'a', cpu(2)))
    assert(refusals.isRefused('shop/web', 'a', cpu(3)))
    assert(!refusals.isRefused('shop/web', 'a', cpu(1)))
    assert(!refusals.isRefused('shop/db', 'a', cpu(2)))
    assert(!refusals.isRefused('shop/web', 'b', cpu(2)))
  })

  it('has refused once, however many pods it refused in one pause', () => {
    for (let i = 0; i < 5; i++) {
      refusals.add('shop/web', at('a', 2))
      now += 5_000
    }
    assert.equal(refusals.of('shop/web')[0]?.tries, 1)
    assert.equal(pauseOf(2), MINUTE - 25_000)
  })

  it('is asked again at once when more machines have room than when it refused, and once for each', () => {
    refusals.add('shop/web', at('a', 2, 1))
    assert.deepEqual(
      refusals.nodeChanged('a', () => 1),
      [],
    )
    assert(refusals.isRefused('shop/web', 'a', cpu(2)))
    assert.deepEqual(
      refusals.nodeChanged('a', () => 2),
      ['shop/web'],
    )
    assert(!refusals.isRefused('shop/web', 'a', cpu(2)))
    refusals.add('shop/web', at('a', 2, 1))
    refusals.nodeChanged('a', () => 0)
    refusals.nodeChanged('a', () => 2)
    assert(refusals.isRefused('shop/web', 'a', cpu(2)), 'it had two already')
    assert.equal(pauseOf(2), 2 * MINUTE)
  })

  it('is forgotten when it is of the past, with whoever is not there any more: nobody tells of a namespace that is gone', () => {
    refusals.add('shop/web', at('a', 2, 1))
    refusals.add('gone/', at('a', 2, 1))
    now += 60 * MINUTE
    refusals.add('shop/web', at('b', 2, 1))
    now += 10 * MINUTE
    assert.deepEqual(
      refusals.nodeChanged('c', () => 1),
      ['shop/web', 'gone/'],
    )
    assert.equal(refusals.size, 1)
    assert.deepEqual(
      refusals.of('shop/web').map(({ node }) => node),
      ['b'],
    )
  })

  it('refuses a few times in a day at most, whatever it says about its room', () => {
    const room = fc.array(fc.record({ afterMs: fc.integer({ min: 1, max: 600_000 }), machines: fc.nat(4) }), {
      maxLength: 200,
    })
    fc.assert(
      fc.property(room, (changes) => {
        now = 0
        refusals = new Refusals(() => now)
        let tries = 0
        let machines = 0
        for (const change of changes) {
          now += change.afterMs
          machines = change.machines
          refusals.nodeChanged('a', () => machines)
          if (refusals.isRefused('shop/web', 'a', cpu(2))) continue
          refusals.add('shop/web', at('a', 2, machines))
          tries++
        }
        // Each pause is twice the one before, but for the chances that four machines can give.
        const pauses = Math.log2(now / MINUTE + 1) + 1 + now / (64 * MINUTE)
        assert(tries <= pauses + 4 + 1, `${tries} tries in ${now / MINUTE} minutes`)
      }),
    )
  })
})
