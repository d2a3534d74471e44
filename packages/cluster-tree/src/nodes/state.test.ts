import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Node } from '@kosmos/kube'
import { virtualNodeState } from './state.ts'

const node = (conditions?: readonly object[]) =>
  ({ metadata: { name: 'kosmos-east' }, status: { conditions } }) as unknown as Node

describe('the state of a virtual node', () => {
  it('is that of its Ready condition, with the reason when it is not Ready', () => {
    const pressure = { type: 'MemoryPressure', status: 'True', message: 'no' }
    const ready = (status: string) => virtualNodeState(node([pressure, { type: 'Ready', status, message: 'why' }]))
    assert.deepEqual(ready('True'), { name: 'kosmos-east', ready: true })
    assert.deepEqual(ready('False'), { name: 'kosmos-east', ready: false, message: 'why' })
    assert.deepEqual(ready('Unknown'), { name: 'kosmos-east', ready: false, message: 'why' })
  })

  it('is open before there is one', () => {
    assert.deepEqual(virtualNodeState(node()), { name: 'kosmos-east', ready: undefined })
    assert.deepEqual(virtualNodeState(node([])), { name: 'kosmos-east', ready: undefined })
  })
})
