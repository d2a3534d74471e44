import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { podLike } from '../pods.fixture.ts'
import { admit } from './admit.ts'
import { answer } from './review.ts'

const gate = { name: 'kosmos.io/placement' }
const toleration = { key: 'kosmos.io/node', operator: 'Exists' } as const

describe('what a new pod gets from the webhook', () => {
  it('is the gate, beside gates of others, unless it has it, has its node, or is of a DaemonSet', () => {
    assert.deepEqual(admit(podLike(), 'wait'), [{ op: 'add', path: '/spec/schedulingGates', value: [gate] }])
    const gated = podLike({ spec: { schedulingGates: [{ name: 'example.org/quota' }] } })
    assert.deepEqual(admit(gated, 'wait'), [{ op: 'add', path: '/spec/schedulingGates/-', value: gate }])
    for (const parts of [
      { spec: { schedulingGates: [gate] } },
      { spec: { nodeName: 'worker' } },
      { owner: { kind: 'DaemonSet', name: 'agent' } },
    ]) {
      assert.deepEqual(admit(podLike(parts), 'wait'), [])
    }
  })

  it('is a toleration of virtual nodes, once, and never for a DaemonSet', () => {
    const question = 'tolerate-virtual-nodes'
    assert.deepEqual(admit(podLike(), question), [{ op: 'add', path: '/spec/tolerations', value: [toleration] }])
    assert.deepEqual(admit(podLike({ spec: { tolerations: [toleration] } }), question), [])
    assert.deepEqual(admit(podLike({ owner: { kind: 'DaemonSet', name: 'agent' } }), question), [])
  })

  it('is the stock scheduler where it asks for that of the original', () => {
    const [step] = admit(podLike({ spec: { schedulerName: 'kosmos-scheduler' } }), 'stock-scheduler')
    assert.deepEqual(step, { op: 'replace', path: '/spec/schedulerName', value: 'default-scheduler' })
    assert.deepEqual(admit(podLike({ spec: { schedulerName: 'volcano' } }), 'stock-scheduler'), [])
  })

  it('is always allowed, with or without a patch', () => {
    const review = { request: { uid: 'u', object: podLike() } }
    const { response } = answer(review, 'wait') as { response: { uid: string; allowed: boolean; patch: string } }
    assert.deepEqual([response.uid, response.allowed], ['u', true])
    assert.match(Buffer.from(response.patch, 'base64').toString(), /schedulingGates/)
    const none = answer(review, 'stock-scheduler') as { response: object }
    assert.deepEqual(none.response, { uid: 'u', allowed: true })
  })
})
