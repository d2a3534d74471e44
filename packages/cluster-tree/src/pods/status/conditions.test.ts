import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Pod, PodStatus } from '@kosmos/kube'
import { leafPod, rootPod } from '../fixture.ts'
import { conditionPatch, isOfCluster, reflectConditions, sameCondition } from './conditions.ts'

type Condition = NonNullable<PodStatus['conditions']>[number]

const at = '2026-01-01T00:00:06Z'
const ready: Condition = { type: 'Ready', status: 'True', lastTransitionTime: at }
const withConditions = (conditions: readonly Condition[]) => ({ phase: 'Running', conditions: [...conditions] })
const rootWith = (...conditions: Condition[]) => rootPod({ status: withConditions(conditions) })
const leafWith = (root: Pod, ...conditions: Condition[]) => leafPod(root, { status: withConditions(conditions) })

describe('a condition of the leaf', () => {
  it('is written where the root has none of its type, or another status, reason, message or time', () => {
    const said = { ...ready, reason: 'Why', message: 'so' }
    for (const present of [
      [],
      [{ ...said, status: 'False' }],
      [{ ...said, reason: 'Other' }],
      [{ ...said, message: 'other' }],
      [{ ...said, lastTransitionTime: '2026-01-01T00:00:07Z' }],
    ]) {
      const root = rootWith(...present)
      assert.deepEqual(
        reflectConditions(root, leafWith(root, said), undefined).map((patch) => ({ ...patch })),
        [present.length > 0 ? { ...said } : said],
      )
    }
    const root = rootWith(said)
    assert.deepEqual(reflectConditions(root, leafWith(root, said), undefined), [])
  })

  it('is written for its generation, in the root’s numbers, only where the leaf counts them and the root’s is known', () => {
    const counted = { ...ready, observedGeneration: 2 }
    const patchOf = (present: Condition, wanted: Condition, generation: number | undefined) => {
      const root = rootWith(present)
      return reflectConditions(root, leafWith(root, wanted), generation)
    }
    assert.deepEqual(patchOf(ready, counted, 7), [{ ...ready, lastTransitionTime: at, observedGeneration: 7 }])
    assert.deepEqual(patchOf({ ...ready, observedGeneration: 6 }, counted, 7), [{ ...ready, observedGeneration: 7 }])
    assert.deepEqual(patchOf({ ...ready, observedGeneration: 7 }, counted, 7), [])
    assert.deepEqual(patchOf(ready, ready, 7), [], 'a leaf that does not count')
    assert.deepEqual(patchOf({ ...ready, observedGeneration: 6 }, ready, 7), [], 'nor takes back what was counted')
    assert.deepEqual(patchOf(ready, counted, undefined), [], 'a leaf that has not seen what was written')
  })

  it('PodScheduled is the root’s, for the generation that the leaf’s kubelet has seen', () => {
    const scheduled = { type: 'PodScheduled', status: 'True', lastTransitionTime: at }
    const root = rootWith(scheduled)
    const later = { ...scheduled, lastTransitionTime: '2026-01-01T00:00:09Z' }
    const seen = leafWith(root, { ...later, observedGeneration: 1 })
    assert.deepEqual(reflectConditions(root, seen, 3), [{ ...scheduled, observedGeneration: 3 }])
    assert.deepEqual(reflectConditions(root, leafWith(root, later), 3), [], 'a leaf that does not count')
    assert.deepEqual(reflectConditions(rootWith(), seen, 3), [], 'nobody has placed it')
    assert.deepEqual(reflectConditions(rootWith({ ...scheduled, observedGeneration: 3 }), seen, 3), [])
  })

  it('is not told when it was last probed', () => {
    const root = rootWith()
    const [patch] = reflectConditions(root, leafWith(root, { ...ready, lastProbeTime: at }), undefined)
    assert.deepEqual(patch, ready)
  })

  it('says of a pod that is deleted there that it is, and since when', () => {
    const root = rootWith()
    const metadata = { deletionTimestamp: '2026-01-01T00:01:00Z', deletionGracePeriodSeconds: 30 }
    assert.deepEqual(reflectConditions(root, leafPod(root, { metadata, status: {} }), undefined), [
      {
        type: 'DisruptionTarget',
        status: 'True',
        reason: 'DeletedInLeaf',
        message: 'the pod was deleted in the leaf cluster, not in the root',
        lastTransitionTime: '2026-01-01T00:00:30Z',
      },
    ])
  })
})

describe('the patch of a condition', () => {
  it('takes away what the new one does not say any more, and names nothing else', () => {
    const present = { ...ready, reason: 'Why', message: 'so' }
    assert.deepEqual(conditionPatch(present, { type: 'Ready', status: 'False' }), {
      type: 'Ready',
      status: 'False',
      reason: null,
      message: null,
      lastTransitionTime: null,
    })
    assert.deepEqual(conditionPatch({ ...ready, reason: null } as never, ready), ready)
    assert.deepEqual(conditionPatch(undefined, ready), ready)
  })

  it('is not needed where null and nothing are the difference', () => {
    assert(sameCondition({ ...ready, reason: null } as never, ready))
    assert(!sameCondition(undefined, ready))
  })
})

it('a cluster writes the conditions of its kubelets, scheduler and evictions for itself, and others’ for all', () => {
  for (const type of ['Ready', 'PodScheduled', 'DisruptionTarget']) assert(isOfCluster(type), type)
  assert(!isOfCluster('example.com/gate'))
})
