import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { keyOf, type Pod } from '@kosmos/kube'
import { podLike, policyLike } from '../pods.fixture.ts'
import { PlacementController } from './controller.ts'
import { PlacementState } from './state.ts'

describe('the controller of placement', () => {
  it('remembers nothing of a pod whose gate somebody else has opened', async () => {
    const state = new PlacementState(new Map())
    const allocationPolicy = [{ name: 'leaf1', replicas: 1 }]
    state.setPolicy(policyLike({ allocationPolicy, allocationType: 'Required', labelSelector: {} }))
    const pods = new Map<string, Pod>()
    const told: string[] = []
    const bothTold = Promise.withResolvers<void>()
    const placement = new PlacementController({
      // Pods that wait are no requests.
      root: undefined as never,
      state,
      podOf: (key) => pods.get(key),
      record: (_, { reason }) => {
        if (told.push(reason) === 2) bothTold.resolve()
      },
      changed: () => {},
      synced: Promise.resolve(),
    })
    const stop = new AbortController()
    const running = placement.controller.run(stop.signal)
    for (const name of ['a', 'b']) {
      const pod = podLike({ name, spec: { schedulingGates: [{ name: 'kosmos.io/placement' }] } })
      pods.set(keyOf(pod), pod)
      state.setPod(pod)
      placement.podChanged(pod, keyOf(pod))
    }
    await bothTold.promise
    assert.deepEqual([told, placement.remembered], [['PlaceKept', 'QuotaReached'], 2])
    for (const key of pods.keys()) placement.podChanged(podLike({ name: key.slice(5) }), key)
    assert.equal(placement.remembered, 0)
    stop.abort()
    await running
  })
})
