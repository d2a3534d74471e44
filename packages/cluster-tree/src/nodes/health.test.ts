import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Node } from '@kosmos/kube'
import { healthOf, pressuresOf } from './health.ts'

type Conditions = NonNullable<NonNullable<Node['status']>['conditions']>

function leafNode(conditions: Readonly<Record<string, string>>, spec: Node['spec'] = {}): Node {
  const list = Object.entries(conditions).map(([type, status]) => ({ type, status, reason: `${type}Reason` }))
  return {
    metadata: { name: 'worker', uid: 'u', resourceVersion: '1' },
    spec,
    status: { conditions: list as unknown as Conditions },
  } as Node
}

const ready = leafNode({ Ready: 'True' })
const lost = leafNode({ Ready: 'Unknown' })

describe('the health of a virtual node', () => {
  it('is that of its best leaf node', () => {
    assert.deepEqual(healthOf([lost, ready]), { kind: 'ready' })
    assert.equal(healthOf([lost, lost]).kind, 'notReady')
  })

  it('does not suffer when a leaf node is cordoned, whose pods go on', () => {
    assert.deepEqual(healthOf([leafNode({ Ready: 'True' }, { unschedulable: true })]), { kind: 'ready' })
  })

  it('says what is the matter', () => {
    const message = (...members: Node[]) => JSON.stringify(healthOf(members))
    assert.match(message(), /no node of the leaf cluster is part of this virtual node/)
    assert.match(message(lost), /leaf node worker is not Ready: ReadyReason/)
    assert.match(message(leafNode({})), /its kubelet has not said so/)
    assert.match(message(lost, lost, lost), /none of its 3 leaf nodes/)
  })

  it('is under pressure when no ready leaf node is free of it', () => {
    const short = leafNode({ Ready: 'True', MemoryPressure: 'True', DiskPressure: 'False' })
    assert.deepEqual([...pressuresOf([short, lost])], ['MemoryPressure'])
    assert.deepEqual([...pressuresOf([short, ready])], [])
    assert.deepEqual([...pressuresOf([])], [])
    assert.deepEqual([...pressuresOf([leafNode({ Ready: 'Unknown', MemoryPressure: 'True' })])], [])
  })
})
