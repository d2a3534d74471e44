import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { CoreEvent } from '@kosmos/kube'
import fc from 'fast-check'
import { leafPod, rootPod } from '../pods/fixture.ts'
import { lastSeen, rootEvent } from './root-event.ts'

const root = { ...rootPod(), kind: 'Pod' }
const { metadata } = leafPod(root)

const backOff = {
  metadata: { name: 'web.18ec0b4d', namespace: 'shop', uid: 'event-uid', resourceVersion: '1' },
  involvedObject: {
    kind: 'Pod',
    namespace: 'shop',
    name: 'web',
    uid: metadata.uid,
    fieldPath: 'spec.containers{main}',
  },
  reason: 'BackOff',
  message: 'Back-off pulling image "nginx"',
  type: 'Warning',
  source: { component: 'kubelet', host: 'worker-1' },
  firstTimestamp: '2026-01-01T00:00:00Z',
  lastTimestamp: '2026-01-01T00:05:00Z',
  count: 7,
  eventTime: null,
  action: '',
  reportingComponent: 'kubelet',
  reportingInstance: 'worker-1',
} as unknown as CoreEvent

describe('an Event of the leaf in the root', () => {
  it('is about the root pod, in the words, counts and times of the leaf, and says which cluster tells it', () => {
    assert.deepEqual(rootEvent(backOff, root, 'east'), {
      metadata: { name: 'web.18ec0b4d.east', namespace: 'shop', labels: { 'kosmos.io/cluster': 'east' } },
      involvedObject: {
        apiVersion: 'v1',
        kind: 'Pod',
        namespace: 'shop',
        name: 'web',
        uid: 'root-uid',
        fieldPath: 'spec.containers{main}',
      },
      source: { component: 'kubelet', host: 'worker-1 (east)' },
      reason: 'BackOff',
      message: 'Back-off pulling image "nginx"',
      type: 'Warning',
      count: 7,
      firstTimestamp: '2026-01-01T00:00:00Z',
      lastTimestamp: '2026-01-01T00:05:00Z',
      reportingComponent: 'kubelet',
      reportingInstance: 'worker-1',
    })
  })

  it('names the reporter of an Event of the newer API, which has no source, and the cluster, for the root has one of that name', () => {
    const event = { ...backOff, source: {}, reportingComponent: 'default-scheduler' } as CoreEvent
    assert.deepEqual(rootEvent(event, root, 'east').source, { component: 'default-scheduler (east)' })
    const kubelet = { ...backOff, source: { component: 'kubelet' } } as CoreEvent
    assert.deepEqual(rootEvent(kubelet, root, 'east').source, { component: 'kubelet', host: 'east' })
  })

  it('has a name of its own that an API server takes, however long the leaf’s is', () => {
    const name = fc.integer({ min: 1, max: 253 }).map((length) => 'a'.repeat(length))
    fc.assert(
      fc.property(name, name, (first, second) => {
        const named = (name: string) =>
          rootEvent({ ...backOff, metadata: { ...backOff.metadata, name, uid: name } }, root, 'east').metadata.name
        assert.ok(named(first).length <= 253)
        assert.equal(named(first) === named(second), first === second)
      }),
    )
  })

  it('is as old as the last time that it happened', () => {
    assert.equal(lastSeen(backOff), Date.parse('2026-01-01T00:05:00Z'))
    const series = { count: 2, lastObservedTime: '2026-01-01T00:09:00.000000Z' }
    assert.equal(lastSeen({ ...backOff, series } as CoreEvent), Date.parse('2026-01-01T00:09:00Z'))
    const { lastTimestamp: _, ...never } = backOff
    assert.equal(lastSeen(never as CoreEvent), 0)
  })
})
