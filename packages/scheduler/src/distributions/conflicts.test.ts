import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ResourceSelector } from '@kosmos/api'
import fc from 'fast-check'
import { podLike } from '../pods.fixture.ts'
import { compileDistribution } from './compiled-distribution.ts'
import { contestersOf } from './conflicts.ts'
import { distributionLike } from './distribution.fixture.ts'
import { distributionStatusOf } from './status-controller.ts'

const older = (...selectors: ResourceSelector[]) => compileDistribution(distributionLike(selectors, { name: 'older' }))
const newer = (...selectors: ResourceSelector[]) =>
  compileDistribution(distributionLike(selectors, { name: 'newer', createdAt: '2026-02-01T00:00:00Z' }))
const contesters = (a: ResourceSelector, b: ResourceSelector) => {
  const both = [older(a), newer(b)]
  return both.map((one) => contestersOf(one, both))
}

describe('a policy that another one contests', () => {
  it('is the newer of two that mean a pod equally and say otherwise', () => {
    for (const selector of [{ name: 'web-0' }, { namePrefix: 'web-' }, { labelSelector: {} }, {}]) {
      const [of, by] = contesters({ policyName: 'leaf', ...selector }, { policyName: 'host', ...selector })
      assert.deepEqual([of, by], [[], ['shop/older']], JSON.stringify(selector))
      assert.deepEqual(contesters({ policyName: 'leaf', ...selector }, { policyName: 'leaf', ...selector })[1], [])
    }
  })

  it('is none of two that mean other pods, or one of which comes first anyhow', () => {
    for (const [a, b] of [
      [{ name: 'web-0' }, { name: 'web-1' }],
      [{ namePrefix: 'web-' }, { namePrefix: 'web-api-' }],
      [{ name: 'web-0' }, { namePrefix: 'web-' }],
      [{ labelSelector: { matchLabels: { app: 'a' } } }, { labelSelector: { matchLabels: { app: 'b' } } }],
      [{ labelSelector: { matchLabels: { app: 'a' } } }, {}],
    ] as const) {
      assert.deepEqual(contesters({ policyName: 'leaf', ...a }, { policyName: 'host', ...b }), [[], []])
    }
  })

  it('is every one that loses a pod to another', () => {
    const key = fc.constantFrom('app', 'tier')
    const value = fc.constantFrom('a', 'b')
    const values = fc.uniqueArray(value, { minLength: 1 })
    const expression = fc.oneof(
      fc.record({ key, operator: fc.constantFrom('In' as const, 'NotIn' as const), values }),
      fc.record({ key, operator: fc.constantFrom('Exists' as const, 'DoesNotExist' as const) }),
    )
    const labelSelector = fc.record({
      matchLabels: fc.dictionary(key, value),
      matchExpressions: fc.array(expression, { maxLength: 2 }),
    })
    const labels = fc.dictionary(key, value)
    fc.assert(
      fc.property(labelSelector, labelSelector, labels, (a, b, podLabels) => {
        const pod = podLike({ labels: podLabels })
        const both = [older({ policyName: 'leaf', labelSelector: a }), newer({ policyName: 'host', labelSelector: b })]
        const select = both.every(({ selectors }) => selectors[0]?.matches(pod))
        if (select) assert.deepEqual(contestersOf(both[1] ?? assert.fail(), both), ['shop/older'])
      }),
      { numRuns: 1000 },
    )
  })

  it('says so in a condition, once', () => {
    const stored = distributionLike([{ policyName: 'leaf' }])
    const status = distributionStatusOf(stored, ['shop/older'], '2026-01-01T00:00:00Z')
    assert.equal(status?.conditions[0]?.reason, 'Contested')
    assert.match(status.conditions[0]?.message ?? '', /shop\/older$/)
    assert.equal(distributionStatusOf({ ...stored, status }, ['shop/older'], '2026-02-01T00:00:00Z'), undefined)
    assert.equal(distributionStatusOf(stored, [], '')?.conditions[0]?.status, 'True')
  })
})
