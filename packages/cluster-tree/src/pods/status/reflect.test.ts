import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Pod, PodStatus } from '@kosmos/kube'
import fc from 'fast-check'
import { deletion, leafPod, leafStatus, patched, rootPod, rootStatus } from '../fixture.ts'
import { reflect } from './reflect.ts'
import { conditionOf, isTerminal } from './status-patch.ts'

const running: PodStatus = {
  phase: 'Running',
  hostIP: '192.0.2.7',
  hostIPs: [{ ip: '192.0.2.7' }],
  podIP: '10.1.0.5',
  podIPs: [{ ip: '10.1.0.5' }],
  startTime: '2026-01-01T00:00:05Z',
  qosClass: 'BestEffort',
  conditions: [
    { type: 'PodScheduled', status: 'True', lastTransitionTime: '2026-01-01T00:00:04Z' },
    { type: 'Initialized', status: 'True', lastTransitionTime: '2026-01-01T00:00:05Z' },
    { type: 'Ready', status: 'True', lastTransitionTime: '2026-01-01T00:00:06Z' },
    { type: 'ContainersReady', status: 'True', lastTransitionTime: '2026-01-01T00:00:06Z' },
  ],
  containerStatuses: [
    {
      name: 'main',
      image: 'nginx',
      imageID: 'sha256:1',
      ready: true,
      started: true,
      restartCount: 0,
      state: { running: { startedAt: '2026-01-01T00:00:06Z' } },
      lastState: {},
    },
  ],
}

/** The root pod after its status was made to follow `leaf`. */
function reflected(root = rootPod(), leaf = leafPod(root, { status: running })) {
  const patch = reflect(root, leaf)
  return patch ? patched(root, patch) : root
}

describe('the status of a root pod', () => {
  it('is what the leaf says, with addresses, start time and containers', () => {
    const { status } = reflected()
    for (const field of ['phase', 'hostIP', 'hostIPs', 'podIP', 'podIPs', 'startTime', 'containerStatuses'] as const) {
      assert.deepEqual(status?.[field], running[field], field)
    }
    assert.equal(conditionOf(status, 'Ready')?.status, 'True')
  })

  it('is tied to the incarnation it was computed for', () => {
    const root = rootPod({ metadata: { uid: 'this-one' } })
    assert.equal(reflect(root, leafPod(root, { status: running }))?.metadata.uid, 'this-one')
  })

  it('is not written when it already says what the leaf says', () => {
    const root = reflected()
    assert.equal(reflect(root, leafPod(root, { status: running })), undefined)
  })

  it('is not written for a leaf pod that has only been scheduled', () => {
    const conditions = [{ type: 'PodScheduled', status: 'True', lastTransitionTime: '2026-01-01T00:00:09Z' }]
    const root = rootPod()
    assert.equal(reflect(root, leafPod(root, { status: { phase: 'Pending', conditions } })), undefined)
  })

  it('keeps the scheduling of the root, which is not the leaf scheduler’s to tell', () => {
    assert.equal(conditionOf(reflected().status, 'PodScheduled')?.lastTransitionTime, '2026-01-01T00:00:00Z')
  })

  it('says in words why the leaf finds no node, and stops saying so once it does', () => {
    const root = rootPod()
    const message = '0/3 nodes are available: 3 Insufficient cpu.'
    const conditions = [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }]
    const waiting = reflected(root, leafPod(root, { status: { phase: 'Pending', conditions } }))
    assert.equal(waiting.status?.reason, 'Unschedulable')
    assert.equal(waiting.status?.message, message)
    assert.equal(conditionOf(waiting.status, 'kosmos.io/LeafScheduled')?.status, 'False')
    assert.equal(conditionOf(waiting.status, 'PodScheduled')?.status, 'True')

    const placed = reflected(waiting, leafPod(root, { status: running }))
    assert.equal(placed.status?.reason, undefined)
    assert.equal(placed.status?.message, undefined)
    assert.equal(conditionOf(placed.status, 'kosmos.io/LeafScheduled'), undefined)
  })

  it('gives the reason of the leaf’s kubelet for an end that nobody asked for', () => {
    const root = rootPod()
    const evicted = { phase: 'Failed', reason: 'Evicted', message: 'The node was low on resource: memory.' }
    const metadata = { deletionTimestamp: '2026-01-01T00:01:00Z', deletionGracePeriodSeconds: 30 }
    for (const leaf of [leafPod(root, { status: evicted }), leafPod(root, { metadata, status: evicted })]) {
      const { phase, reason, message } = reflected(root, leaf).status ?? {}
      assert.deepEqual({ phase, reason, message }, evicted)
    }
  })

  for (const type of [
    'Ready',
    'ContainersReady',
    'Initialized',
    'PodReadyToStartContainers',
    'PodResizePending',
    'PodResizeInProgress',
    'AllContainersRestarting',
  ]) {
    it(`has the condition ${type} as the leaf’s kubelet has it, and no longer than that`, () => {
      const root = rootPod()
      const condition = { type, status: 'True', reason: 'Why', lastTransitionTime: '2026-01-01T00:00:07Z' }
      const shown = reflected(root, leafPod(root, { status: { phase: 'Running', conditions: [condition] } }))
      assert.deepEqual(conditionOf(shown.status, type), condition)
      const later = reflected(shown, leafPod(root, { status: { phase: 'Running' } }))
      assert.equal(conditionOf(later.status, type), undefined)
    })
  }

  it('is set right when the root’s own controllers changed it although nothing changed in the leaf', () => {
    const conditions = (reflected().status?.conditions ?? []).map((condition) =>
      condition.type === 'Ready'
        ? { ...condition, status: 'False', reason: 'NodeNotReady', message: 'gone' }
        : condition,
    )
    const marked = rootPod({ status: { ...reflected().status, conditions } })
    assert.deepEqual(conditionOf(reflected(marked).status, 'Ready'), conditionOf(running, 'Ready'))
  })

  it('keeps conditions of others: readiness gates, custom ones', () => {
    const gate = { type: 'example.com/lb-attached', status: 'True' }
    const root = rootPod({ status: { phase: 'Pending', conditions: [gate] } })
    assert.deepEqual(conditionOf(reflected(root).status, gate.type), gate)
  })

  it('loses a condition that the leaf’s kubelet took back', () => {
    const conditions = [{ type: 'PodResizePending', status: 'True', reason: 'Deferred' }]
    const root = rootPod({ status: { ...reflected().status, conditions } })
    assert.equal(conditionOf(reflected(root).status, 'PodResizePending'), undefined)
  })

  it('keeps a disruption that the root caused although the leaf knows nothing of it', () => {
    const evicted = { type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI' }
    const root = rootPod({ status: { phase: 'Running', conditions: [evicted] } })
    assert.deepEqual(conditionOf(reflected(root).status, 'DisruptionTarget'), evicted)
  })

  it('shows a disruption in the leaf with the leaf’s reason', () => {
    const conditions = [{ type: 'DisruptionTarget', status: 'True', reason: 'PreemptionByScheduler' }]
    const root = rootPod()
    const { status } = reflected(root, leafPod(root, { status: { ...running, conditions } }))
    assert.equal(conditionOf(status, 'DisruptionTarget')?.reason, 'PreemptionByScheduler')
  })

  it('shows a pod that somebody deletes in the leaf as disrupted, from the moment it was asked for', () => {
    const root = rootPod()
    const metadata = { deletionTimestamp: '2026-01-01T00:01:00Z', deletionGracePeriodSeconds: 30 }
    const terminating = reflected(root, leafPod(root, { metadata, status: running }))
    const disruption = conditionOf(terminating.status, 'DisruptionTarget')
    assert.equal(disruption?.reason, 'DeletedInLeaf')
    assert.equal(disruption?.lastTransitionTime, '2026-01-01T00:00:30Z')
    assert.equal(terminating.status?.reason, undefined, 'it has not failed yet')

    const ended = reflected(terminating, leafPod(root, { metadata, status: { ...running, phase: 'Failed' } }))
    assert.equal(ended.status?.phase, 'Failed')
    assert.equal(ended.status?.reason, 'DeletedInLeaf')
  })

  it('shows no disruption when the root deleted the pod', () => {
    const metadata = { deletionTimestamp: '2026-01-01T00:01:00Z', deletionGracePeriodSeconds: 30 }
    const root = rootPod({ metadata })
    assert.equal(
      conditionOf(reflected(root, leafPod(root, { metadata, status: running })).status, 'DisruptionTarget'),
      undefined,
    )
  })

  it('never leaves a terminal phase', () => {
    const root = rootPod({ status: { phase: 'Failed' } })
    assert.equal(reflect(root, leafPod(root, { status: running })), undefined)
    assert.equal(reflect(root, leafPod(root, { status: { phase: 'Succeeded' } })), undefined)
  })

  it('has every container of its own, however many there are', () => {
    const [main] = running.containerStatuses ?? []
    assert.ok(main)
    const names = ['main', 'log', 'metrics']
    const root = rootPod({ spec: { containers: names.map((name) => ({ name, image: main.image })) } })
    const containerStatuses = names.map((name) => ({ ...main, name }))
    const leaf = leafPod(root, { status: { ...running, containerStatuses } })
    assert.deepEqual(reflected(root, leaf).status?.containerStatuses, containerStatuses)
  })

  it('does not count containers that the leaf injected', () => {
    const [main] = running.containerStatuses ?? []
    assert.ok(main)
    const containerStatuses = [main, { ...main, name: 'istio-proxy' }]
    const root = rootPod()
    assert.deepEqual(
      reflected(root, leafPod(root, { status: { ...running, containerStatuses } })).status?.containerStatuses,
      [main],
    )
  })

  it('has no containers while only injected ones have a status', () => {
    const injected = { name: 'istio-init', image: 'i', imageID: '', ready: false, restartCount: 0 }
    const root = rootPod()
    const { status } = reflected(root, leafPod(root, { status: { phase: 'Pending', containerStatuses: [injected] } }))
    assert.ok(status && !('containerStatuses' in status))
  })

  it('counts observed generations in the root’s numbers, once the leaf’s kubelet has seen what was written', () => {
    const root = rootPod({ metadata: { generation: 4 } })
    const seen = leafPod(root, { metadata: { generation: 2 }, status: { ...running, observedGeneration: 2 } })
    assert.equal(reflected(root, seen).status?.observedGeneration, 4)
    const notYet = leafPod(root, { metadata: { generation: 2 }, status: { ...running, observedGeneration: 1 } })
    assert.equal(reflected(root, notYet).status?.observedGeneration, undefined)
  })

  it('counts observed generations in the root’s numbers in conditions too', () => {
    const conditions = [{ type: 'Ready', status: 'True', observedGeneration: 2 }]
    const root = rootPod({ metadata: { generation: 4 } })
    const status = { ...running, conditions, observedGeneration: 2 }
    const leaf = leafPod(root, { metadata: { generation: 2 }, status })
    assert.equal(conditionOf(reflected(root, leaf).status, 'Ready')?.observedGeneration, 4)
  })

  it('never goes back to an earlier generation', () => {
    const root = rootPod({ metadata: { generation: 4 }, status: { phase: 'Pending', observedGeneration: 9 } })
    const leaf = leafPod(root, { status: { ...running, observedGeneration: 1 } })
    assert.equal(reflected(root, leaf).status?.observedGeneration, 9)
  })

  it('has the amounts that its node has given it as a whole: replaced, taken away, and none where there are none', () => {
    const told = (from: PodStatus, to: PodStatus) => {
      const root = rootPod({ status: { phase: 'Running', ...to } })
      return reflect(root, leafPod(root, { status: { phase: 'Running', ...from } }))?.status
    }
    const allocatedResources = { cpu: '1' }
    const resources = { requests: { cpu: '1' } }
    const replace = { $patch: 'replace' }
    assert.deepEqual(told({ allocatedResources, resources }, {}), { allocatedResources, resources })
    assert.deepEqual(
      told({ allocatedResources, resources }, { allocatedResources: { memory: '1Gi' }, resources: {} }),
      {
        allocatedResources: { ...replace, ...allocatedResources },
        resources,
      },
    )
    assert.deepEqual(told({}, { allocatedResources, resources }), { allocatedResources: null, resources: null })
    assert.equal(told({ allocatedResources, resources }, { allocatedResources, resources }), undefined)
    assert.equal(told({ allocatedResources: {} }, {}), undefined)
    assert.equal(told({}, { allocatedResources: {} }), undefined)
  })

  it('has a reason of ours only for a pod that failed because somebody deleted it in the leaf', () => {
    const deleted = { deletionTimestamp: '2026-01-01T00:01:00Z', deletionGracePeriodSeconds: 30 }
    const explained = (status: PodStatus, metadata = {}, ofRoot = {}) => {
      const root = rootPod({ metadata: ofRoot })
      const { reason, message } = reflected(root, leafPod(root, { metadata, status })).status ?? {}
      return [reason, message]
    }
    const ours = ['DeletedInLeaf', 'the pod was deleted in the leaf cluster, not in the root']
    assert.deepEqual(explained({ phase: 'Failed' }, deleted), ours)
    assert.deepEqual(explained({ phase: 'Failed' }), [undefined, undefined])
    assert.deepEqual(explained({ phase: 'Succeeded' }, deleted), [undefined, undefined])
    assert.deepEqual(explained({ phase: 'Failed' }, deleted, deleted), [undefined, undefined])
    assert.deepEqual(explained({ phase: 'Failed', reason: 'Evicted' }, deleted), ['Evicted', undefined])
    assert.deepEqual(explained({ phase: 'Failed', message: 'no room' }, deleted), [undefined, 'no room'])
  })

  it('has init containers and those of kubectl debug as well', () => {
    const [main] = running.containerStatuses ?? []
    const [initContainerStatuses, ephemeralContainerStatuses] = ['first', 'debugger'].map((name) => [
      { ...(main ?? assert.fail()), name },
    ])
    assert(initContainerStatuses && ephemeralContainerStatuses)
    const root = rootPod({
      spec: {
        initContainers: [{ name: 'first', image: 'i' }],
        ephemeralContainers: [{ name: 'debugger', image: 'i' }],
      },
    })
    const status = { ...running, initContainerStatuses, ephemeralContainerStatuses }
    const after = reflected(root, leafPod(root, { status })).status
    assert.deepEqual(after?.initContainerStatuses, initContainerStatuses)
    assert.deepEqual(after?.ephemeralContainerStatuses, ephemeralContainerStatuses)
  })

  it('says nothing more where the leaf says nothing more', () => {
    const to = { ...running, reason: 'Evicted', message: 'no room', resize: 'Deferred' } as PodStatus
    const root = rootPod({ status: to })
    const patch = reflect(root, leafPod(root, { status: { phase: 'Pending' } }))?.status
    const { containerStatuses, phase, reason, message, resize, podIP, podIPs, hostIP, hostIPs, startTime } = patch ?? {}
    assert.deepEqual([phase, reason, message, resize], ['Pending', null, null, null])
    assert.deepEqual(
      [podIP, podIPs, hostIP, hostIPs, startTime, containerStatuses],
      [null, null, null, null, null, null],
    )
  })

  it('is what the leaf says also where one of them has none at all', () => {
    const { status: _, ...root } = rootPod()
    const { status: __, ...leaf } = leafPod(root)
    assert.equal(reflect(root, leaf), undefined)
    assert.equal(reflect(root, leafPod(root, { status: running }))?.status.phase, 'Running')
  })

  it('leaves the QoS class and the nominated node alone, which the API server and the scheduler of the root write', () => {
    const root = rootPod()
    const leaf = leafPod(root, { status: { ...running, qosClass: 'Guaranteed', nominatedNodeName: 'leaf-node' } })
    const patch = reflect(root, leaf)?.status ?? {}
    assert.deepEqual(
      Object.keys(patch).filter((field) => field === 'qosClass' || field === 'nominatedNodeName'),
      [],
    )
  })
})

describe('reflecting any leaf status onto any root status', () => {
  const pair = fc
    .record({ leaf: leafStatus, root: rootStatus, rootMeta: deletion, leafMeta: deletion })
    .map((given) => {
      const root = rootPod({ metadata: given.rootMeta, status: given.root })
      return { root, leaf: leafPod(root, { metadata: given.leafMeta, status: given.leaf }) }
    })

  it('needs one write', () => {
    fc.assert(
      fc.property(pair, ({ root, leaf }) => {
        const patch = reflect(root, leaf)
        fc.pre(patch !== undefined)
        assert.equal(reflect(patched(root, patch), leaf), undefined)
      }),
    )
  })

  it('brings the root’s phase to the leaf’s unless the root pod has ended', () => {
    fc.assert(
      fc.property(pair, ({ root, leaf }) => {
        const expected = isTerminal(root.status) ? root.status?.phase : leaf.status?.phase
        assert.equal(reflected(root, leaf).status?.phase, expected)
      }),
    )
  })

  it('changes no condition that is not the leaf kubelet’s, but for which generation the root’s scheduler was heard', () => {
    const said = ({ status }: Pod, type: string) => {
      const { observedGeneration, ...condition } = conditionOf(status, type) ?? {}
      return type === 'PodScheduled' ? condition : { ...condition, observedGeneration }
    }
    fc.assert(
      fc.property(pair, ({ root, leaf }) => {
        for (const type of ['PodScheduled', 'example.com/gate', 'example.com/of-the-leaf']) {
          assert.deepEqual(said(reflected(root, leaf), type), said(root, type))
        }
      }),
    )
  })

  it('never takes back a disruption', () => {
    fc.assert(
      fc.property(pair, ({ root, leaf }) => {
        fc.pre(conditionOf(root.status, 'DisruptionTarget')?.status === 'True')
        assert.deepEqual(
          conditionOf(reflected(root, leaf).status, 'DisruptionTarget'),
          conditionOf(root.status, 'DisruptionTarget'),
        )
      }),
    )
  })

  it('leaves both objects as they are', () => {
    fc.assert(
      fc.property(pair, ({ root, leaf }) => {
        const before = structuredClone({ root, leaf })
        reflect(root, leaf)
        assert.deepEqual({ root, leaf }, before)
      }),
    )
  })
})
