import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { retiringTaint } from '@kosmos/api'
import type { Node } from '@kosmos/kube'
import { type FailoverView, failoverStep, isAlternative } from './failover-step.ts'

const at = Date.parse('2026-01-01T00:10:00Z')
const ours = { key: 'node.kubernetes.io/out-of-service', value: 'kosmos-failover', effect: 'NoExecute' }
const other = { key: 'gpu', effect: 'NoSchedule' }

function node(ready: string, taints: readonly object[] = [other]): Node {
  return {
    metadata: { name: 'kosmos-east', uid: 'u', resourceVersion: '1' },
    spec: { taints },
    status: { conditions: [{ type: 'Ready', status: ready, lastTransitionTime: '2026-01-01T00:00:00Z' }] },
  } as Node
}

const step = (node: Node, more: Partial<FailoverView> = {}) =>
  failoverStep({
    node,
    policy: { onLeafLoss: 'Failover', failoverAfterSeconds: 300 },
    isSettled: false,
    now: at,
    ...more,
  })

describe('a virtual node whose Cluster says Failover', () => {
  it('is declared out of service once it has been unknown for as long as was asked', () => {
    assert.deepEqual(step(node('Unknown')), { do: 'failOver', taints: [other, ours] })
    const policy = { onLeafLoss: 'Failover', failoverAfterSeconds: 900 } as const
    assert.deepEqual(step(node('Unknown'), { policy }), { do: 'wait', afterMs: 300_000 })
  })

  it('is left alone while its leaf answers, ready or not', () => {
    for (const ready of ['True', 'False']) assert.deepEqual(step(node(ready)), { do: 'none' })
  })

  it('stays out of service until its leaf is back and has nothing left that was replaced', () => {
    assert.deepEqual(step(node('Unknown', [ours])), { do: 'none' })
    assert.deepEqual(step(node('True', [other, ours])), { do: 'wait', afterMs: 1_000 })
    assert.deepEqual(step(node('True', [other, ours]), { isSettled: true }), { do: 'takeBack', taints: [other] })
  })

  it('is taken back when its Cluster no longer says so', () => {
    const policy = { onLeafLoss: 'Evict', failoverAfterSeconds: 300 } as const
    assert.deepEqual(step(node('Unknown', [ours, other]), { policy }), { do: 'takeBack', taints: [other] })
    assert.deepEqual(step(node('Unknown'), { policy }), { do: 'none' })
  })

  it('is left to whoever else has declared it out of service', () => {
    const theirs = { ...ours, value: 'nodeshutdown' }
    assert.deepEqual(step(node('Unknown', [theirs])), { do: 'none' })
    assert.deepEqual(step(node('True', [theirs]), { isSettled: true }), { do: 'none' })
  })
})

describe('an alternative for pods of a lost leaf', () => {
  it('is a node of another cluster that is Ready and takes pods', () => {
    assert(isAlternative(node('True'), false))
    assert(!isAlternative(node('True'), true))
    assert(!isAlternative(node('Unknown'), false))
    assert(!isAlternative({ ...node('True'), spec: { unschedulable: true } }, false))
    assert(!isAlternative({ ...node('True'), spec: { taints: [retiringTaint] } }, false))
  })
})
