import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Connection, Node, Pod } from '@kosmos/kube'
import { leafPod, rootPod } from '../pods/fixture.ts'
import { leafNodes } from './leaf-nodes.ts'

const node = (name: string, ready: string) =>
  ({
    metadata: { name, uid: name, resourceVersion: '1' },
    status: { conditions: [{ type: 'Ready', status: ready }] },
  }) as Node

describe('the nodes of a leaf, for the figures of our pods', () => {
  const root = rootPod()
  const of = (copy: Pod | undefined) => {
    return leafNodes({
      connection: { name: 'east' } as Connection,
      members: { list: () => [node('worker-1', 'True'), node('worker-2', 'Unknown')] },
      rootPods: { list: () => [root] },
      leafPods: { get: (key) => (key === 'shop/web' ? copy : undefined) },
    })
  }

  it('are those whose kubelet is there', () => {
    assert.deepEqual([...of(undefined).names()], ['worker-1'])
  })

  it('know each pod by its uid on both sides, and no pod of others', () => {
    const copy = leafPod(root)
    assert.deepEqual([...of(copy).copies()], [['shop/web', { rootUid: 'root-uid', leafUid: 'leaf-uid' }]])
    assert.equal(of(undefined).copies().size, 0)
    const foreign = { ...copy, metadata: { ...copy.metadata, annotations: {} } }
    assert.equal(of(foreign).copies().size, 0)
  })
})
