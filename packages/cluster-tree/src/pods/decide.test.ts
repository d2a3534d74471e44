import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import type { Pod } from '@kosmos/kube'
import fc from 'fast-check'
import { decide, isOurs, type PodAction, type PodView, rootUidOf } from './decide.ts'
import { restartsOf } from './disruption/restarts.ts'
import { ctx, deletion, leafPod, leafStatus, patched, rootPod, rootStatus } from './fixture.ts'
import type { Reference } from './needs/references.ts'
import { conditionOf, isTerminal } from './status/status-patch.ts'

const view = (parts: Partial<PodView>): PodView => ({
  rootClusterId: ctx.rootClusterId,
  current: true,
  root: undefined,
  leaf: undefined,
  missing: [],
  now: Date.parse('2026-01-01T01:00:00Z'),
  ...parts,
})

const started = { phase: 'Running', startTime: '2026-01-01T00:00:05Z' }
const deleting = (grace: number) => ({
  deletionTimestamp: '2026-01-01T01:00:00Z',
  deletionGracePeriodSeconds: grace,
})
const foreign = (root: Pod) => leafPod(root, { metadata: { labels: { app: 'theirs' }, annotations: {} } })
const configMap: Reference = { kind: 'ConfigMap', name: 'settings', optional: false, usedBy: ['volume settings'] }

/** The patch that an action carries, as the status it leads to. */
function statusAfter(root: Pod, action: PodAction) {
  assert.ok('patch' in action && action.patch, `${action.do} carries no patch`)
  return patched(root, action.patch).status
}

describe('a pod bound to the virtual node', () => {
  it('is created in the leaf', () => {
    assert.equal(decide(view({ root: rootPod() })).do, 'create')
  })

  it('waits for what it refers to and says what that is', () => {
    const root = rootPod()
    const action = decide(view({ root, missing: [configMap] }))
    assert.equal(action.do, 'wait')
    const [container] = statusAfter(root, action)?.containerStatuses ?? []
    assert.equal(container?.state?.waiting?.reason, 'CreateContainerConfigError')
    assert.match(container?.state?.waiting?.message ?? '', /ConfigMap settings \(volume settings\)/)
    assert.deepEqual('missing' in action && action.missing, [configMap])
  })

  it('says why the leaf refused it', () => {
    const root = rootPod()
    const action = decide(view({ root, blocked: { reason: 'RefusedByLeaf', message: 'exceeded quota: team' } }))
    assert.equal(action.do, 'wait')
    assert.equal(statusAfter(root, action)?.message, 'exceeded quota: team')
  })

  it('says so once', () => {
    const root = rootPod()
    const blocked = { reason: 'RefusedByLeaf', message: 'exceeded quota: team' }
    const { status } = { status: statusAfter(root, decide(view({ root, blocked }))) }
    const action = decide(view({ root: { ...root, ...(status && { status }) }, blocked }))
    assert.deepEqual(action, { do: 'wait', ...blocked, patch: undefined })
  })

  it('follows the status of its copy', () => {
    const root = rootPod()
    const action = decide(view({ root, leaf: leafPod(root, { status: started }) }))
    assert.equal(action.do, 'reflect')
    assert.equal(statusAfter(root, action)?.phase, 'Running')
  })

  it('has its copy changed with it, once its status is told and while the copy goes on', () => {
    const root = rootPod()
    const changes = () => [{ body: { metadata: { uid: 'leaf-uid' } } }]
    const told = { ...root.status, phase: 'Pending' }
    const step = (leaf: Parameters<typeof leafPod>[1], more: Partial<PodView> = {}) =>
      decide(view({ root: { ...root, status: told }, leaf: leafPod(root, leaf), changes, ...more })).do
    assert.equal(step({ status: { phase: 'Pending' } }), 'changeLeaf')
    assert.equal(step({ status: started }), 'reflect')
    assert.equal(step({ status: { phase: 'Pending' }, metadata: deleting(30) }), 'reflect')
    assert.equal(step({ status: { phase: 'Pending' } }, { changes: () => [] }), 'none')
  })

  it('is left alone when it ended and its copy is gone', () => {
    assert.equal(decide(view({ root: rootPod({ status: { phase: 'Succeeded' } }) })).do, 'none')
  })

  it('keeps its copy when both have ended, as it is: its logs may be read', () => {
    const status = { phase: 'Succeeded' }
    const root = rootPod({ status })
    const changes = () => assert.fail('nothing of it can change')
    assert.deepEqual(decide(view({ root, leaf: leafPod(root, { status }), changes })), { do: 'none', reason: 'InSync' })
  })

  it('has the rest done where the root does not store its status, once that is known of this status', () => {
    const root = rootPod()
    const leaf = leafPod(root, { status: started })
    const changes = [{ body: { metadata: { uid: 'leaf-uid' } } }]
    const tried = decide(view({ root, leaf, changes: () => changes, isInVain: () => false }))
    assert.ok(tried.do === 'reflect')
    const isInVain = (patch: object) => isDeepStrictEqual(patch, tried.patch)
    assert.equal(decide(view({ root, leaf, changes: () => changes, isInVain })).do, 'changeLeaf')
    assert.deepEqual(decide(view({ root, leaf, isInVain })), { do: 'none', reason: 'InSync' })
    const ended = leafPod(root, { status: { ...started, phase: 'Succeeded' } })
    assert.equal(decide(view({ root, leaf: ended, isInVain })).do, 'reflect')
  })

  it('has exactly those changes made that it asks for', () => {
    const root = rootPod()
    const changes = [{ body: { metadata: { uid: 'leaf-uid' } } }]
    const leaf = leafPod(root, { status: { phase: 'Pending' } })
    const expected = { do: 'changeLeaf', reason: 'RootPodChanged', changes }
    assert.deepEqual(decide(view({ root, leaf, changes: () => changes })), expected)
    assert.deepEqual(decide(view({ root, leaf })), { do: 'none', reason: 'InSync' })
  })

  it('has its copy stopped when the root counts it as failed while the copy runs on', () => {
    const root = rootPod({ status: { phase: 'Failed' } })
    assert.equal(decide(view({ root, leaf: leafPod(root, { status: started }) })).do, 'deleteLeaf')
  })
})

describe('a root pod whose name is taken in the leaf', () => {
  it('waits and says which object is in the way', () => {
    const root = rootPod()
    const action = decide(view({ root, leaf: foreign(root) }))
    assert.equal(action.do, 'wait')
    assert.match(statusAfter(root, action)?.message ?? '', /pod shop\/web/)
    assert.equal(statusAfter(root, action)?.containerStatuses?.[0]?.state?.waiting?.reason, 'NameTakenInLeaf')
  })

  it('goes when it is deleted, without the foreign pod', () => {
    const root = rootPod({ metadata: deleting(30) })
    assert.deepEqual(decide(view({ root, leaf: foreign(root) })), {
      do: 'finishRoot',
      reason: 'LeafPodGone',
      uid: 'root-uid',
    })
  })

  it('takes a copy made by another root for foreign', () => {
    const root = rootPod()
    const leaf = leafPod(root)
    const labels = { ...leaf.metadata.labels, 'kosmos.io/root-cluster': 'root-2' }
    const theirs = { ...leaf, metadata: { ...leaf.metadata, labels } }
    assert.equal(decide(view({ leaf: theirs })).do, 'none')
    assert.equal(decide(view({ root, leaf: theirs })).do, 'wait')
  })
})

it('a leaf pod with our label, and without the uid of a root pod, is nobody’s copy', () => {
  const root = rootPod()
  const { labels, annotations } = leafPod(root).metadata
  assert(!isOurs(leafPod(root, { metadata: { labels: labels ?? {}, annotations: {} } }), ctx.rootClusterId))
  assert(!isOurs(leafPod(root, { metadata: { labels: {}, annotations: annotations ?? {} } }), ctx.rootClusterId))
})

describe('a pod deleted in the root', () => {
  it('is deleted in the leaf with the grace that was asked for', () => {
    const root = rootPod({ metadata: deleting(7), spec: { terminationGracePeriodSeconds: 60 } })
    assert.deepEqual(decide(view({ root, leaf: leafPod(root, { status: started }) })), {
      do: 'deleteLeaf',
      reason: 'RootPodDeleted',
      uid: 'leaf-uid',
      gracePeriodSeconds: 7,
    })
  })

  it('is deleted there with its own grace when nobody said which', () => {
    const { deletionGracePeriodSeconds: _, ...metadata } = deleting(5)
    const graceOf = (terminationGracePeriodSeconds?: number) => {
      const spec = terminationGracePeriodSeconds === undefined ? {} : { terminationGracePeriodSeconds }
      const root = rootPod({ metadata, spec })
      const action = decide(view({ root, leaf: leafPod(root, { status: started }) }))
      return action.do === 'deleteLeaf' && action.gracePeriodSeconds
    }
    assert.deepEqual([graceOf(7), graceOf()], [7, 30])
  })

  it('is left to whoever keeps it with a finalizer once it has ended and its copy is gone', () => {
    const metadata = { ...deleting(0), finalizers: ['example.com/keep'] }
    const now = Date.parse('2026-01-01T02:00:00Z')
    const ended = rootPod({ metadata, status: { ...started, phase: 'Failed' } })
    assert.deepEqual(decide(view({ root: ended, now })), { do: 'none', reason: 'RootPodHasFinalizers' })
    const root = rootPod({ metadata, status: started })
    const last = (phase: string) => leafPod(root, { status: { ...started, phase } })
    for (const [phase, expected] of Object.entries({ Succeeded: 'Succeeded', Running: 'Failed' })) {
      const action = decide(view({ root, lastLeaf: last(phase), now }))
      assert.deepEqual([action.do, 'reason' in action && action.reason], ['reflect', 'LeafPodEnded'])
      assert.equal(statusAfter(root, action)?.phase, expected)
    }
  })

  it('is not asked to stop twice, and its status is followed while it stops', () => {
    const root = rootPod({ metadata: deleting(30) })
    const action = decide(view({ root, leaf: leafPod(root, { metadata: deleting(30), status: started }) }))
    assert.equal(action.do, 'reflect')
  })

  it('gets less time when a second delete asks for less', () => {
    const root = rootPod({ metadata: deleting(2), status: started })
    const action = decide(view({ root, leaf: leafPod(root, { metadata: deleting(30), status: started }) }))
    assert.deepEqual(action.do === 'deleteLeaf' && action.gracePeriodSeconds, 2)
  })

  it('leaves the root once the leaf has let go of it, and not before', () => {
    const root = rootPod({ metadata: deleting(30), status: started })
    const leaf = leafPod(root, { metadata: deleting(30), status: started })
    assert.equal(decide(view({ root, leaf })).do, 'none')
    assert.equal(decide(view({ root })).do, 'finishRoot')
  })

  it('leaves the root at once when it never had a copy', () => {
    assert.equal(decide(view({ root: rootPod({ metadata: deleting(30) }) })).do, 'finishRoot')
  })

  it('is deleted again when the root has marked it as removed and does not remove it', () => {
    const root = rootPod({ metadata: deleting(0) })
    const at = Date.parse('2026-01-01T01:00:00Z')
    assert.deepEqual(decide({ ...view({ root }), now: at + 1_000 }), {
      do: 'none',
      reason: 'RootPodGoing',
      afterMs: 9_000,
    })
    assert.equal(decide({ ...view({ root }), now: at + 10_000 }).do, 'finishRoot')
  })

  it('tells how it ended before it goes, when a finalizer keeps it for somebody to read', () => {
    const finalizers = ['batch.kubernetes.io/job-tracking']
    const root = rootPod({ metadata: { ...deleting(30), finalizers }, status: started })
    const action = decide(view({ root, lastLeaf: leafPod(root, { status: { ...started, phase: 'Succeeded' } }) }))
    assert.equal(statusAfter(root, action)?.phase, 'Succeeded')
    assert.equal(statusAfter(root, decide(view({ root })))?.phase, 'Failed')
  })

  it('does not take the end of an earlier pod of its name for its own', () => {
    const finalizers = ['batch.kubernetes.io/job-tracking']
    const root = rootPod({ metadata: { ...deleting(30), finalizers }, status: started })
    const earlier = rootPod({ metadata: { uid: 'old-uid' } })
    const lastLeaf = leafPod(earlier, { status: { ...started, phase: 'Succeeded' } })
    assert.equal(statusAfter(root, decide(view({ root, lastLeaf })))?.phase, 'Failed')
  })

  it('is left to its finalizers after that', () => {
    const finalizers = ['example.com/keep']
    const root = rootPod({ metadata: { ...deleting(0), finalizers }, status: { phase: 'Failed' } })
    assert.equal(decide(view({ root })).do, 'none')
  })

  it('by force is stopped in the leaf with the grace of its own', () => {
    const leaf = leafPod(rootPod({ spec: { terminationGracePeriodSeconds: 12 } }), { status: started })
    assert.deepEqual(decide(view({ leaf })), {
      do: 'deleteLeaf',
      reason: 'RootPodGone',
      uid: 'leaf-uid',
      gracePeriodSeconds: 12,
    })
  })
})

describe('a pod created again under the same name', () => {
  const old = leafPod(rootPod({ metadata: { uid: 'old-uid' } }), { metadata: { uid: 'old-leaf' }, status: started })

  it('has the old copy deleted first', () => {
    const action = decide(view({ root: rootPod(), leaf: old }))
    assert.equal(action.do === 'deleteLeaf' && action.uid, 'old-leaf')
  })

  it('is not told to wait when it has ended by then', () => {
    const leaf = { ...old, metadata: { ...old.metadata, ...deleting(30) } }
    const action = decide(view({ root: rootPod({ status: { phase: 'Failed' } }), leaf }))
    assert.equal('patch' in action && action.patch, undefined)
  })

  it('waits until the old copy has stopped, without taking over its status', () => {
    const root = rootPod()
    const leaf = { ...old, metadata: { ...old.metadata, ...deleting(30) } }
    const action = decide(view({ root, leaf }))
    assert.equal(action.do, 'wait')
    assert.equal(statusAfter(root, action)?.phase, 'Pending')
    assert.equal(statusAfter(root, action)?.startTime, undefined)
    const { reason, message } = statusAfter(root, action)?.containerStatuses?.[0]?.state?.waiting ?? {}
    const why = 'the previous pod of this name is still stopping in the leaf cluster'
    assert.deepEqual([reason, message], ['PreviousPodTerminating', why])
    const going = rootPod({ metadata: deleting(30) })
    assert.equal(decide(view({ root: going, leaf })).do, 'finishRoot', 'it has nothing there')
  })

  it('is created once the old copy is gone, whatever that one was like', () => {
    assert.equal(decide(view({ root: rootPod(), lastLeaf: old })).do, 'create')
  })
})

describe('a leaf pod that disappears although its root pod was not deleted', () => {
  it('fails the root pod as disrupted, so that its owner acts', () => {
    const conditions = [{ type: 'Ready', status: 'True' }]
    const containerID = 'containerd://1'
    const main = { name: 'main', image: 'nginx', imageID: '', ready: true, restartCount: 0, containerID }
    const containerStatuses = [{ ...main, state: { running: { startedAt: '2026-01-01T00:00:06Z' } } }]
    const root = rootPod({ status: { ...started, conditions, containerStatuses } })
    const action = decide(view({ root }))
    assert.equal(action.do, 'failRoot')
    const status = statusAfter(root, action)
    assert.equal(status?.phase, 'Failed')
    assert.equal(status?.reason, 'DeletedInLeaf')
    assert.equal(conditionOf(status, 'DisruptionTarget')?.status, 'True')
    assert.equal(conditionOf(status, 'Ready')?.status, 'False')
    assert.equal(conditionOf(status, 'ContainersReady'), undefined, 'of what was not said nothing is')
    assert.equal(status?.containerStatuses?.[0]?.state?.terminated?.exitCode, 137)
    assert.equal(status?.containerStatuses?.[0]?.state?.terminated?.containerID, containerID)
    assert.equal(status?.containerStatuses?.[0]?.ready, false)
  })

  it('gives the reason that was reflected before it went', () => {
    const conditions = [{ type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI', message: 'drain' }]
    const root = rootPod({ status: { ...started, conditions } })
    assert.equal(statusAfter(root, decide(view({ root })))?.reason, 'EvictionByEvictionAPI')
  })

  it('ends the root pod as the leaf pod ended, if that was seen', () => {
    const root = rootPod({ status: started })
    const lastLeaf = leafPod(root, { metadata: deleting(30), status: { ...started, phase: 'Succeeded' } })
    assert.equal(statusAfter(root, decide(view({ root, lastLeaf })))?.phase, 'Succeeded')
  })

  it('is not run a second time when it had run and the root had not heard of it', () => {
    const root = rootPod()
    assert.equal(decide(view({ root, lastLeaf: leafPod(root, { status: started }) })).do, 'failRoot')
  })

  it('is created again when it had never run', () => {
    const root = rootPod()
    assert.equal(decide(view({ root, lastLeaf: leafPod(root) })).do, 'create')
  })

  it('is waited for while it terminates', () => {
    const root = rootPod()
    const leaf = leafPod(root, { metadata: deleting(30), status: started })
    const action = decide(view({ root, leaf }))
    const told = patched(root, action.do === 'reflect' ? action.patch : assert.fail(action.do))
    assert.deepEqual(decide(view({ root: told, leaf })), { do: 'none', reason: 'LeafPodTerminating', afterMs: 60_000 })
  })

  it('has the root pod deleted, as of a node that is lost, when nobody ends it', () => {
    const root = rootPod()
    const leaf = leafPod(root, { metadata: deleting(30), status: started })
    const late = { leaf, now: Date.parse('2026-01-01T01:01:00Z') }
    const first = decide(view({ root, ...late }))
    const told = patched(root, first.do === 'reflect' ? first.patch : assert.fail(first.do))
    assert.equal(conditionOf(told.status, 'DisruptionTarget')?.status, 'True')
    const expected = { do: 'deleteRoot', reason: 'LeafPodStuck', uid: 'root-uid' }
    assert.deepEqual(decide(view({ root: told, ...late })), expected)
    const deleted = { ...told, metadata: { ...told.metadata, ...deleting(30) } }
    assert.deepEqual(decide(view({ root: deleted, ...late })), { do: 'none', reason: 'LeafPodTerminating' })
  })
})

describe('a leaf pod that is disrupted while its Cluster says Recreate', () => {
  const main = { name: 'main', image: 'nginx', imageID: '', ready: true, restartCount: 2 }
  const containerStatuses = [{ ...main, state: { running: { startedAt: '2026-01-01T00:00:06Z' } } }]
  const conditions = [{ type: 'Ready', status: 'True' }]
  const running = { ...started, conditions, containerStatuses }
  const root = rootPod({ status: running, spec: { restartPolicy: 'Always' } })
  const step = (root: Pod, more: Partial<PodView> = {}) => decide(view({ root, recreate: true, ...more }))
  const told = (root: Pod, action: PodAction) =>
    patched(root, action.do === 'reflect' ? action.patch : assert.fail(action.do))
  const evicted = { ...running, phase: 'Failed', reason: 'Evicted' }
  const disruption = { type: 'DisruptionTarget', status: 'True', reason: 'TerminationByKubelet' }

  it('is made again, and the root pod shows a restart and is not Ready meanwhile', () => {
    const waiting = told(root, step(root))
    const [container] = waiting.status?.containerStatuses ?? []
    assert.deepEqual([container?.restartCount, container?.state?.waiting?.reason], [3, 'RecreatedInLeaf'])
    assert.equal(container?.lastState?.terminated?.reason, 'ContainerStatusUnknown')
    assert.equal(conditionOf(waiting.status, 'Ready')?.status, 'False')
    assert.equal(conditionOf(waiting.status, 'DisruptionTarget'), undefined)
    assert.equal(step(waiting).do, 'create')
  })

  it('goes on counting where it was, whatever its first status says', () => {
    const waiting = told(root, step(root))
    const annotations = { ...leafPod(waiting).metadata.annotations, ...restartsOf(waiting) }
    const fresh = leafPod(waiting, { metadata: { annotations }, status: { phase: 'Pending' } })
    const pending = told(waiting, step(waiting, { leaf: fresh }))
    assert.equal(pending.status?.containerStatuses?.[0]?.restartCount, 3)
    const again = { ...fresh, status: { ...running, containerStatuses: [{ ...main, restartCount: 1 }] } }
    assert.equal(told(pending, step(pending, { leaf: again })).status?.containerStatuses?.[0]?.restartCount, 4)
  })

  it('is removed first when it stays as evicted', () => {
    const leaf = leafPod(root, { status: { ...evicted, conditions: [disruption] } })
    const waiting = told(root, step(root, { leaf }))
    assert.equal(step(waiting, { leaf }).do, 'deleteLeaf')
    assert.equal(step(waiting, { lastLeaf: leaf }).do, 'create')
  })

  it('is waited for while it ends', () => {
    const leaf = leafPod(root, { metadata: deleting(30), status: running })
    const waiting = told(root, step(root, { leaf }))
    assert.equal(waiting.status?.containerStatuses?.[0]?.state?.waiting?.reason, 'RecreatedInLeaf')
    assert.deepEqual(step(waiting, { leaf }), { do: 'none', reason: 'LeafPodTerminating', afterMs: 60_000 })
  })

  it('is given up with its root pod when nobody ends it: it may still run on a node that is lost', () => {
    const leaf = leafPod(root, { metadata: deleting(30), status: running })
    const late = { leaf, now: Date.parse('2026-01-01T01:01:00Z') }
    const waiting = told(root, step(root, { leaf }))
    const seen = told(waiting, step(waiting, late))
    assert.deepEqual(step(seen, late), { do: 'deleteRoot', reason: 'LeafPodStuck', uid: 'root-uid' })
  })

  it('fails all the same when it never wants a restart, and ends when it ended by itself', () => {
    const never = rootPod({ status: running, spec: { restartPolicy: 'Never' } })
    assert.equal(step(never).do, 'failRoot')
    const leaf = leafPod(root, { status: { ...running, phase: 'Succeeded' } })
    assert.equal(told(root, step(root, { leaf })).status?.phase, 'Succeeded')
    assert.equal(told(root, step(root, { lastLeaf: leaf })).status?.phase, 'Succeeded')
  })

  it('is not made again when its root pod is deleted or has ended', () => {
    for (const gone of [
      rootPod({ ...root, metadata: deleting(5) }),
      rootPod({ ...root, status: { ...running, phase: 'Failed' } }),
    ])
      assert.notEqual(step(gone).do, 'create')
  })
})

describe('deciding, whatever root and leaf look like', () => {
  const incarnation = fc.constantFrom('root-uid', 'old-uid')
  const root = fc
    .record({ metadata: deletion, status: rootStatus, finalizers: fc.constantFrom([], ['example.com/keep']) })
    .map(({ metadata, status, finalizers }) => rootPod({ metadata: { ...metadata, finalizers }, status }))
  const ours = fc
    .record({ uid: incarnation, metadata: deletion, status: leafStatus })
    .map(({ uid, ...parts }) => leafPod(rootPod({ metadata: { uid } }), parts))
  const theirs = fc
    .record({ metadata: deletion, status: leafStatus, label: fc.constantFrom('root-1', 'root-2', undefined) })
    .map(({ metadata, status, label }) =>
      leafPod(rootPod(), {
        metadata: { ...metadata, labels: label ? { 'kosmos.io/root-cluster': label } : {}, annotations: {} },
        status,
      }),
    )
  const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined })
  const anyView: fc.Arbitrary<PodView> = fc
    .record({
      current: fc.boolean(),
      root: maybe(root),
      leaf: maybe(fc.oneof(ours, theirs)),
      lastLeaf: maybe(ours),
      missing: fc.constantFrom([], [configMap]),
      blocked: maybe(fc.constant({ reason: 'RefusedByLeaf', message: 'no' })),
      recreate: fc.boolean(),
    })
    .map(view)
  const check = (property: (view: PodView, action: PodAction) => void) =>
    fc.assert(
      fc.property(anyView, (any) => property(any, decide(any))),
      { numRuns: 300 },
    )

  it('deletes only leaf pods that carry our identity', () => {
    check((any, action) => {
      if (action.do !== 'deleteLeaf') return
      assert.ok(any.leaf && isOurs(any.leaf, ctx.rootClusterId))
      assert.equal(action.uid, any.leaf.metadata.uid)
    })
  })

  it('takes status only from the copy of this very root pod', () => {
    check((any, action) => {
      if (action.do !== 'reflect') return
      assert.equal(action.patch.metadata.uid, any.root?.metadata.uid)
      const copies = [any.leaf, any.lastLeaf].filter((leaf) => leaf && isOurs(leaf, ctx.rootClusterId))
      if (copies.some((leaf) => leaf && rootUidOf(leaf) === 'root-uid')) return
      if (any.recreate && action.reason === 'LeafPodVanished') return
      assert.equal(action.patch.status.phase, 'Failed', 'what is left is the end of a pod without a copy')
    })
  })

  it('concludes nothing from caches that are not current', () => {
    check((any, action) => {
      if (!any.current) assert.equal(action.do, 'none')
    })
  })

  it('finishes only root pods that are being deleted and have no copy', () => {
    check((any, action) => {
      if (action.do !== 'finishRoot') return
      assert.ok(any.root?.metadata.deletionTimestamp)
      assert.equal(action.uid, any.root.metadata.uid)
      assert.ok(!any.leaf || rootUidOf(any.leaf) !== any.root.metadata.uid)
    })
  })

  it('creates a copy only where there is neither a leaf pod nor a trace of an earlier copy', () => {
    check((any, action) => {
      if (action.do !== 'create') return
      assert.equal(any.leaf, undefined)
      if (!any.recreate) assert.equal(any.root?.status?.startTime, undefined)
      assert.equal(any.root?.metadata.deletionTimestamp, undefined)
    })
  })

  it('never asks for the same or a longer grace than is running', () => {
    check((any, action) => {
      if (action.do !== 'deleteLeaf' || !any.leaf?.metadata.deletionTimestamp) return
      assert.ok(action.gracePeriodSeconds < (any.leaf.metadata.deletionGracePeriodSeconds ?? 0))
    })
  })

  it('comes to rest', () => {
    check((any) => {
      fc.pre(any.current)
      let next = any
      for (let step = 0; step < 6; step++) {
        const action = decide(next)
        if (action.do === 'none' || (action.do === 'wait' && !action.patch)) return
        next = after(next, action)
      }
      assert.fail(`still busy: ${JSON.stringify(decide(next))}`)
    })
  })

  it('never lets a pod that has ended begin again', () => {
    check((any, action) => {
      if (!any.root || !isTerminal(any.root.status) || !('patch' in action) || !action.patch) return
      assert.equal(patched(any.root, action.patch).status?.phase, any.root.status?.phase)
    })
  })
})

/** What root and leaf look like when the action was carried out and leaf pods take their time to stop. */
function after(given: PodView, action: PodAction): PodView {
  const { root, leaf } = given
  if (action.do === 'create')
    return { ...given, leaf: leafPod(root ?? assert.fail(), { status: { phase: 'Pending' } }) }
  if (action.do === 'deleteLeaf' && leaf) {
    if (action.gracePeriodSeconds === 0) return { ...given, leaf: undefined, lastLeaf: leaf }
    return { ...given, leaf: { ...leaf, metadata: { ...leaf.metadata, ...deleting(action.gracePeriodSeconds) } } }
  }
  if (action.do === 'finishRoot' && root) {
    if (!root.metadata.finalizers?.length) return { ...given, root: undefined }
    return { ...given, root: { ...root, metadata: { ...root.metadata, ...deleting(0) } } }
  }
  if (action.do === 'deleteRoot' && root)
    return { ...given, root: { ...root, metadata: { ...root.metadata, ...deleting(30) } } }
  return 'patch' in action && action.patch && root ? { ...given, root: patched(root, action.patch) } : given
}
