import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Deployment } from '../clusters/resources.ts'
import { rolloutOf } from './rollout.ts'

const deployment = (status: Deployment['status'], generation = 2, replicas = 2): Deployment => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'clustertree', namespace: 'kosmos-system', uid: 'u', resourceVersion: '1', generation },
  spec: { replicas, template: { spec: { containers: [{ image: 'i' }] } } },
  ...(status && { status }),
})
const settled = { observedGeneration: 2, replicas: 2, updatedReplicas: 2, availableReplicas: 2 }

describe('the rollout of a Deployment', () => {
  it('is done when all that run are new and available', () => {
    assert.deepEqual(rolloutOf(deployment(settled)), { state: 'done' })
  })
  it('is done when none is wanted and none is there', () => {
    assert.deepEqual(rolloutOf(deployment({ observedGeneration: 2 }, 2, 0)), { state: 'done' })
  })
  for (const [what, status, note] of [
    ['its controller has not seen the change', { ...settled, observedGeneration: 1 }, /not looked at/],
    ['nothing is known of it', undefined, /not looked at/],
    ['old ones run and no new one', { ...settled, updatedReplicas: 0 }, /0 of 2 are new/],
    ['an old one has to go', { ...settled, replicas: 3 }, /1 old ones/],
    ['a new one is not available', { ...settled, availableReplicas: 1 }, /1 of 2 are available/],
  ] as const)
    it(`is under way while ${what}`, () => {
      const found = rolloutOf(deployment(status))
      assert.equal(found.state, 'under way')
      assert.match('note' in found ? found.note : '', note)
    })
  it('is stuck when its controller says so', () => {
    const conditions = [{ type: 'Progressing', reason: 'ProgressDeadlineExceeded', message: 'has timed out' }]
    const found = rolloutOf(deployment({ ...settled, updatedReplicas: 1, conditions }))
    assert.deepEqual(found, { state: 'stuck', note: 'has timed out' })
  })
})
