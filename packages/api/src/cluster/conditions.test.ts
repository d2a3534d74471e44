import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { withCondition } from '../schema/condition.ts'
import { clusterCondition, clusterConditions } from './conditions.ts'

const t0 = '2026-11-25T00:00:00Z'
const t1 = '2026-11-25T00:01:00Z'

describe('a condition of a Cluster', () => {
  it('has the status and the sentence of its reason, and what only the caller knows', () => {
    const condition = clusterCondition('CredentialsValid', 'SecretNotFound', {
      detail: 'Secret kosmos-system/leaf-a',
      observedGeneration: 3,
    })
    assert.equal(condition.status, 'False')
    assert.match(condition.message, /does not exist; create it .*: Secret kosmos-system\/leaf-a$/)
    assert.equal(condition.observedGeneration, 3)
  })

  it('is no longer than an API server takes', () => {
    const { message } = clusterCondition('Reachable', 'LeafUnreachable', { detail: 'x'.repeat(100_000) })
    assert.equal(message.length, 32_768)
    assert.match(message, /^The leaf's API server does not answer/)
  })

  it('says for every reason what happened in a sentence, and has exactly one way to be True', () => {
    for (const [type, reasons] of Object.entries(clusterConditions)) {
      for (const [reason, { message }] of Object.entries<{ status: string; message: string }>(reasons)) {
        assert.match(reason, /^[A-Z][A-Za-z]+$/)
        assert.match(message, /^\S+( \S+){2,}[^.\s]$/, `${type} ${reason}`)
      }
      assert.equal(Object.values<{ status: string }>(reasons).filter(({ status }) => status === 'True').length, 1, type)
    }
  })
})

describe('setting a condition', () => {
  const unreachable = clusterCondition('Reachable', 'LeafUnreachable')
  const first = withCondition([], unreachable, t0)

  it('adds it', () => {
    assert.deepEqual(first, [{ ...unreachable, lastTransitionTime: t0 }])
  })

  it('changes nothing when it says the same, so that nothing is written', () => {
    assert.equal(withCondition(first, unreachable, t1), first)
  })

  it('keeps the time of the transition when only the reason changes', () => {
    const [condition] = withCondition(first, clusterCondition('Reachable', 'LeafNotReady'), t1)
    assert.equal(condition?.reason, 'LeafNotReady')
    assert.equal(condition?.lastTransitionTime, t0)
  })

  it('moves the time of the transition with the status, and leaves other conditions and the input alone', () => {
    const both = withCondition(first, clusterCondition('CredentialsValid', 'Unverified'), t0)
    const before = structuredClone(both)
    const after = withCondition(both, clusterCondition('Reachable', 'LeafReachable'), t1)
    assert.deepEqual(
      after.map(({ type, status, lastTransitionTime }) => [type, status, lastTransitionTime]),
      [
        ['Reachable', 'True', t1],
        ['CredentialsValid', 'Unknown', t0],
      ],
    )
    assert.deepEqual(both, before)
  })
})
