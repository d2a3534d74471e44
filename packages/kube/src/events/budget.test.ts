import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { EventBudget } from './budget.ts'

const spent = (
  budget: EventBudget,
  count: number,
  type: 'Normal' | 'Warning',
  object: (i: number) => string,
  now = 0,
) => Array.from({ length: count }, (_, i) => budget.spend(object(i), type, now)).filter(Boolean).length

describe('the budget of events', () => {
  it('lets 25 pass for one object, then one every five minutes', () => {
    const budget = new EventBudget({}, 0)
    assert.equal(
      spent(budget, 100, 'Warning', () => 'pod'),
      25,
    )
    assert.equal(
      spent(budget, 100, 'Warning', () => 'pod', 299_000),
      0,
    )
    assert.equal(
      spent(budget, 100, 'Warning', () => 'pod', 600_000),
      2,
    )
  })

  it('lets 100 Normal events of any objects pass at once, and as many Warnings as there are objects', () => {
    const budget = new EventBudget({}, 0)
    assert.equal(
      spent(budget, 1000, 'Normal', (i) => `pod${i}`),
      100,
    )
    assert.equal(
      spent(budget, 1000, 'Warning', (i) => `pod${i}`),
      1000,
    )
    assert.equal(
      spent(budget, 1000, 'Normal', (i) => `pod${i}`, 2000),
      20,
    )
  })

  it('never lets more pass than the burst and what time has given', () => {
    const limits = { perObject: { burst: 3, perSecond: 0.1 }, normal: { burst: 5, perSecond: 1 } }
    const calls = fc.array(fc.record({ object: fc.constantFrom('a', 'b', 'c', 'd'), after: fc.nat(3000) }))
    fc.assert(
      fc.property(calls, (all) => {
        const budget = new EventBudget(limits, 0)
        const passed: { object: string; now: number }[] = []
        let now = 0
        for (const { object, after } of all) {
          now += after
          if (budget.spend(object, 'Normal', now)) passed.push({ object, now })
        }
        for (const object of ['a', 'b', 'c', 'd']) {
          const own = passed.filter((p) => p.object === object).length
          assert.ok(own <= 3 + (now / 1000) * 0.1)
        }
        assert.ok(passed.length <= 5 + now / 1000)
      }),
    )
  })

  it('goes on with a clock that was set back, and gives no more for it', () => {
    const budget = new EventBudget({}, 3_600_000)
    const pods = (i: number) => `pod${i}`
    assert.equal(spent(budget, 1000, 'Normal', pods, 3_600_000), 100)
    assert.equal(spent(budget, 1000, 'Normal', pods, 0), 0)
    assert.equal(spent(budget, 1000, 'Normal', pods, 2_000), 20)
  })

  it('does not charge an object for what the budget of all refused', () => {
    const budget = new EventBudget({ perObject: { burst: 1, perSecond: 0 }, normal: { burst: 1, perSecond: 1 } }, 0)
    assert.ok(budget.spend('a', 'Normal', 0))
    assert.ok(!budget.spend('b', 'Normal', 0))
    assert.ok(budget.spend('b', 'Normal', 1000))
  })
})
