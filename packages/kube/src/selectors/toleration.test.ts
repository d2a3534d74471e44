import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { toleratesTaint, untoleratedTaint } from './toleration.ts'

const taint = { key: 'kosmos.io/node', value: 'true', effect: 'NoSchedule' }

describe('a toleration', () => {
  for (const [what, toleration, expected] of [
    [
      'the same key, value and effect',
      { key: taint.key, operator: 'Equal', value: 'true', effect: 'NoSchedule' },
      true,
    ],
    ['no operator, which means Equal', { key: taint.key, value: 'true' }, true],
    ['another value', { key: taint.key, operator: 'Equal', value: 'false' }, false],
    ['no value', { key: taint.key, operator: 'Equal' }, false],
    ['another key', { key: 'other', operator: 'Exists' }, false],
    ['another effect', { key: taint.key, operator: 'Exists', effect: 'NoExecute' }, false],
    ['Exists and no effect', { key: taint.key, operator: 'Exists' }, true],
    ['Exists and no key', { operator: 'Exists' }, true],
    ['Exists, no key and another effect', { operator: 'Exists', effect: 'NoExecute' }, false],
    ['an operator that nobody knows', { key: taint.key, operator: 'Matches', value: 'true' }, false],
  ] as const) {
    it(`with ${what} ${expected ? 'covers' : 'does not cover'} the taint`, () => {
      assert.equal(toleratesTaint(toleration, taint), expected)
    })
  }

  it('takes a missing value for the empty one', () => {
    assert.ok(toleratesTaint({ key: 'a', operator: 'Equal' }, { key: 'a', effect: 'NoSchedule' }))
  })

  it('compares whole numbers by Gt and Lt, only where the cluster knows these operators', () => {
    const sla = (value: string) => ({ key: 'sla', value, effect: 'NoSchedule' })
    const gt = { key: 'sla', operator: 'Gt', value: '95' }
    const lt = { key: 'sla', operator: 'Lt', value: '95' }
    const on = { comparisonOperators: true }
    assert.ok(!toleratesTaint(gt, sla('99')))
    assert.ok(toleratesTaint(gt, sla('99'), on))
    assert.ok(!toleratesTaint(gt, sla('95'), on))
    assert.ok(toleratesTaint(lt, sla('-3'), on))
    for (const value of ['099', '+99', '9.9', '', '9223372036854775808']) {
      assert.ok(!toleratesTaint(gt, sla(value), on), value)
    }
  })
})

describe('the first taint that keeps a pod away', () => {
  const taints = [
    { key: 'a', effect: 'PreferNoSchedule' },
    { key: 'b', effect: 'NoSchedule' },
    { key: 'c', effect: 'NoExecute' },
  ]

  it('is one that no toleration covers', () => {
    assert.equal(untoleratedTaint(taints, [])?.key, 'b')
    assert.equal(untoleratedTaint(taints, [{ key: 'b', operator: 'Exists' }])?.key, 'c')
    assert.equal(untoleratedTaint(taints, [{ operator: 'Exists' }]), undefined)
  })

  it('is looked for among the effects asked for', () => {
    assert.equal(untoleratedTaint(taints, [], ['NoExecute'])?.key, 'c')
  })
})
