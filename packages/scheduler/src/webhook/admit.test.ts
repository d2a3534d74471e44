import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { podLike } from '../pods.fixture.ts'
import { type AdmissionView, admit } from './admit.ts'
import { answer } from './review.ts'

const gate = { name: 'kosmos.io/placement' }
const toleration = { key: 'kosmos.io/node', operator: 'Exists' } as const
const view = (differences: Partial<AdmissionView> = {}): AdmissionView => ({
  waits: () => true,
  toleratesVirtualNodes: () => false,
  ...differences,
})

describe('what a new pod gets from the webhook', () => {
  it('is the gate, beside gates of others, unless it has it, has its node, or is of a DaemonSet', () => {
    assert.deepEqual(admit(podLike(), view()), [{ op: 'add', path: '/spec/schedulingGates', value: [gate] }])
    const gated = podLike({ spec: { schedulingGates: [{ name: 'example.org/quota' }] } })
    assert.deepEqual(admit(gated, view()), [{ op: 'add', path: '/spec/schedulingGates/-', value: gate }])
    for (const parts of [
      { spec: { schedulingGates: [gate] } },
      { spec: { nodeName: 'worker' } },
      { owner: { kind: 'DaemonSet', name: 'agent' } },
    ]) {
      assert.deepEqual(admit(podLike(parts), view()), [])
    }
    assert.deepEqual(admit(podLike(), view({ waits: () => false })), [])
  })

  it('is a toleration of virtual nodes in namespaces that say so, once, and never for a DaemonSet', () => {
    const tolerated = view({ waits: () => false, toleratesVirtualNodes: (namespace) => namespace === 'shop' })
    assert.deepEqual(admit(podLike(), tolerated), [{ op: 'add', path: '/spec/tolerations', value: [toleration] }])
    assert.deepEqual(admit(podLike({ spec: { tolerations: [toleration] } }), tolerated), [])
    assert.deepEqual(admit(podLike({ owner: { kind: 'DaemonSet', name: 'agent' } }), tolerated), [])
  })

  it('is the stock scheduler where it asks for that of the original', () => {
    const none = view({ waits: () => false })
    const [step] = admit(podLike({ spec: { schedulerName: 'kosmos-scheduler' } }), none)
    assert.deepEqual(step, { op: 'replace', path: '/spec/schedulerName', value: 'default-scheduler' })
    assert.deepEqual(admit(podLike({ spec: { schedulerName: 'volcano' } }), none), [])
  })

  it('is asked for in the namespace of the request, whatever the pod says, and always allowed', () => {
    const asked: string[] = []
    const waits = ({ metadata }: ReturnType<typeof podLike>) => asked.push(metadata.namespace) > 0
    const review = { request: { uid: 'u', namespace: 'other', object: podLike() } }
    const { response } = answer(review, view({ waits })) as {
      response: { uid: string; allowed: boolean; patch: string }
    }
    assert.deepEqual([asked, response.uid, response.allowed], [['other'], 'u', true])
    assert.match(Buffer.from(response.patch, 'base64').toString(), /schedulingGates/)
    const none = answer(review, view({ waits: () => false })) as { response: object }
    assert.deepEqual(none.response, { uid: 'u', allowed: true })
  })
})
