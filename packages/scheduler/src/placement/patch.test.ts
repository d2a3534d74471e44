import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { deletionCostAnnotation, podDeletionCostAnnotation } from '@kosmos/api'
import type { Pod } from '@kosmos/kube'
import { compiled, podLike } from '../pods.fixture.ts'
import type { Aim } from './aim.ts'
import { deletionCostPatch, openPatch, seatPatch } from './patch.ts'

const policy = compiled({
  allocationPolicy: [
    { name: 'leaf1', weight: 2 },
    { name: 'leaf2', weight: 1 },
  ],
})
const costs = (cost: string, ours?: string) => ({
  [podDeletionCostAnnotation]: cost,
  ...(ours !== undefined && { [deletionCostAnnotation]: ours }),
})
const gate = { schedulingGates: [{ $patch: 'delete', name: 'kosmos.io/placement' }] }

describe('what is sent for a pod', () => {
  it('with a seat is its value of the topology key, its seat, and the order in which seats are given up', () => {
    assert.deepEqual(seatPatch(podLike({ uid: 'u' }), policy, { share: 0, number: 3 }), {
      metadata: {
        uid: 'u',
        annotations: {
          'kosmos.io/workload-policy': 'web',
          'kosmos.io/seat': '3',
          // leaf1, leaf1, leaf2 | leaf1, …: three seats come before.
          'controller.kubernetes.io/pod-deletion-cost': '-3',
          'kosmos.io/deletion-cost': '-3',
        },
      },
      spec: { ...gate, nodeSelector: { 'kosmos.io/cluster': 'leaf1' } },
    })
  })

  it('keeps it off nodes that lately took none like it, by requirements behind its own', () => {
    const required = (terms: object[]) => ({
      requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms },
    })
    const off = { key: 'metadata.name', operator: 'NotIn', values: ['kosmos-leaf1'] }
    const affinityOf = (terms?: object[]) => {
      const pod = podLike({ spec: terms ? { affinity: { nodeAffinity: required(terms) as object } } : {} })
      const aim = { node: 'kosmos-leaf2', bound: 'asked', avoid: ['kosmos-leaf1'] } as const
      return (seatPatch(pod, policy, { share: 0, number: 1 }, { aim }) as Pod).spec.affinity
    }
    assert.deepEqual(affinityOf(), { nodeAffinity: required([{ matchFields: [off] }]) })
    const own = { matchExpressions: [{ key: 'gpu', operator: 'Exists' }] }
    assert.deepEqual(affinityOf([own, {}]), { nodeAffinity: required([{ ...own, matchFields: [off] }, {}]) })
  })

  it('keeps it where it has room: on that node, on nodes of the root, or there rather than elsewhere', () => {
    const preferred = [{ weight: 1, preference: { matchExpressions: [{ key: 'ssd', operator: 'Exists' }] } }]
    const nodeAffinity = { preferredDuringSchedulingIgnoredDuringExecution: preferred }
    const pod = podLike({ spec: { affinity: { nodeAffinity } as object } })
    const sent = (bound: Aim['bound']) => openPatch(pod, undefined, { aim: { node: 'n1', bound, avoid: [] } }) as Pod
    assert.deepEqual(sent('asked').metadata.annotations, { 'kosmos.io/room-at': 'n1' })
    const affinityOf = (bound: Aim['bound']) => sent(bound).spec.affinity?.nodeAffinity
    assert.equal(affinityOf('asked'), undefined)
    const here = { matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n1'] }] }
    const required = (term: object) => ({
      requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [term] },
    })
    assert.deepEqual(affinityOf('node'), required(here))
    const own = { matchExpressions: [{ key: 'kosmos.io/node', operator: 'NotIn', values: ['true'] }] }
    assert.deepEqual(affinityOf('own'), required(own))
    assert.deepEqual(affinityOf('preferred'), {
      preferredDuringSchedulingIgnoredDuringExecution: [...preferred, { weight: 100, preference: here }],
    })
  })

  it('with a deletion cost of its own leaves that as it is', () => {
    const annotations = { 'controller.kubernetes.io/pod-deletion-cost': '100' }
    const patch = seatPatch(podLike({ annotations }), policy, { share: 0, number: 1 }) as {
      metadata: { annotations: Record<string, string> }
    }
    assert.deepEqual(Object.keys(patch.metadata.annotations), ['kosmos.io/workload-policy', 'kosmos.io/seat'])
  })

  it('that may go anywhere is that its gate is open', () => {
    const annotationsOf = (...args: Parameters<typeof openPatch>) => (openPatch(...args) as Pod).metadata.annotations
    assert.deepEqual((openPatch(podLike({ uid: 'u' }), policy) as Pod).spec, gate)
    assert.equal(annotationsOf(podLike(), policy)?.['kosmos.io/workload-policy'], 'web')
    assert.deepEqual(openPatch(podLike({ uid: 'u' }), undefined), { metadata: { uid: 'u' }, spec: gate })
  })

  it('beyond the shares is to be given up before every pod with a seat', () => {
    const costOf = (patch: object) => Number((patch as Pod).metadata.annotations?.[podDeletionCostAnnotation])
    const largest = compiled({
      allocationPolicy: Array.from({ length: 100 }, (_, i) => ({ name: `leaf${i}`, replicas: 1_000_000 })),
    })
    const beyond = costOf(openPatch(podLike(), largest))
    assert(beyond < costOf(seatPatch(podLike(), largest, { share: 99, number: 1_000_000 })), `${beyond}`)
    // What the ReplicaSet controller reads (an int32).
    assert(beyond >= -(2 ** 31))
    const annotations = { [podDeletionCostAnnotation]: '100' }
    assert.equal(
      (openPatch(podLike({ annotations }), policy) as Pod).metadata.annotations?.[podDeletionCostAnnotation],
      undefined,
    )
  })

  it('whose policy changed is its new turn, if that is another', () => {
    const pod = podLike({ uid: 'u', annotations: costs('-3', '-3') })
    assert.equal(deletionCostPatch(pod, policy, { share: 0, number: 3 }), undefined)
    assert.deepEqual(deletionCostPatch(pod, policy, { share: 0, number: 1 }), {
      metadata: { uid: 'u', annotations: costs('0', '0') },
    })
  })

  it("whose deletion cost is the user's is nothing, whether it was set before its place was given or after", () => {
    const ofTheUser = [costs('100'), costs('100', '-3'), { [deletionCostAnnotation]: '-3' }]
    for (const annotations of ofTheUser) {
      assert.equal(deletionCostPatch(podLike({ annotations }), policy, { share: 0, number: 1 }), undefined)
    }
  })
})
