import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Pod } from '@kosmos/kube'
import type { Candidate } from '../nodes/candidates.ts'
import { podLike } from '../pods.fixture.ts'
import { aimAt } from './aim.ts'
import { slimPod } from './slim-pod.ts'

const node = (name: string, parts: Partial<Candidate> = {}): Candidate => ({
  node: name,
  hasRoom: true,
  priority: 0,
  isOwn: false,
  fit: 0,
  ...parts,
})
const [leaf, full, other] = [node('leaf'), node('full', { hasRoom: false }), node('other')]
const [worker, second] = [node('worker', { isOwn: true }), node('second', { isOwn: true, hasRoom: false })]
const gated = { schedulingGates: [{ name: 'kosmos.io/placement' }] }

describe('how a pod is kept where it has room', () => {
  it('is by nothing where it can be nowhere else', () => {
    assert.deepEqual(aimAt(podLike(), leaf, [leaf]), { node: 'leaf', bound: 'asked', avoid: [] })
    assert.deepEqual(aimAt(podLike(), worker, [worker, second]), { node: 'worker', bound: 'asked', avoid: [] })
  })

  it('is by its node in a leaf, and among those of the root by the stock scheduler', () => {
    assert.equal(aimAt(podLike(), leaf, [leaf, full, worker]).bound, 'node')
    assert.equal(aimAt(podLike(), worker, [leaf, worker, second]).bound, 'own')
  })

  it('is off those that it is not to go to, where they are still open to it', () => {
    const closed = ['full', 'second']
    assert.deepEqual(aimAt(podLike(), worker, [worker, second], closed).avoid, closed)
    assert.deepEqual(aimAt(podLike(), worker, [leaf, full, worker, second], closed).avoid, ['second'])
    assert.deepEqual(aimAt(podLike(), leaf, [leaf, full, worker], closed).avoid, [])
  })

  const choosy: Record<string, Partial<Pod['spec']>> = {
    'a volume': { volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }] },
    'a volume of its own': { volumes: [{ name: 'data', ephemeral: {} }] },
    'a port of its node': { containers: [{ name: 'main', ports: [{ containerPort: 80, hostPort: 80 }] }] },
    'a device by claim': { resourceClaims: [{ name: 'gpu', resourceClaimName: 'gpu' }] },
    'no other of its kind beside it': {
      affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'zone' }] } },
    },
    'another beside it': {
      affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'zone' }] } },
    },
    'an even spread': {
      topologySpreadConstraints: [{ maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule' }],
    },
  }
  for (const [what, spec] of Object.entries(choosy)) {
    it(`is by a preference for one that asks for ${what}, since only the stock scheduler knows where that is`, () => {
      const pod = podLike({ spec: { ...gated, ...spec } })
      const expected = { node: 'leaf', bound: 'preferred', avoid: ['bad', 'full'] }
      for (const one of [pod, slimPod(pod)]) {
        assert.deepEqual(aimAt(one, leaf, [leaf, full, other, worker, second], ['bad']), expected)
        // Preempted for: it has no room yet, and is told of once.
        const byPreemption = { ...full, node: 'full' }
        assert.deepEqual(aimAt(one, byPreemption, [leaf, full, node('third', { hasRoom: false })], ['third']).avoid, [
          'third',
        ])
      }
    })
  }

  it('is firm where it would only rather be elsewhere', () => {
    const spread = { maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'ScheduleAnyway' }
    const pod = podLike({
      spec: { ...gated, topologySpreadConstraints: [spread], volumes: [{ name: 'x', emptyDir: {} }] },
    })
    assert.equal(aimAt(pod, leaf, [leaf, other]).bound, 'node')
  })
})
