import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { clusterLabel, placementGate } from '@kosmos/api'
import { type KubeObject, nodes, type Pod, pods } from '@kosmos/kube'
import { type AdmittingRoot, mustCreate, startAdmittingRoot } from '../admitting-root.fixture.ts'
import { policyLike } from '../pods.fixture.ts'
import { workloadPolicies } from '../policies/resource.ts'
import { Scheduler } from '../scheduler.ts'

const otherGate = 'example.org/quota'

describe('a pod at the gate of somebody else as well', () => {
  let root: AdmittingRoot
  let scheduling: Promise<void>
  const stop = new AbortController()
  const told: string[] = []

  const pod = async (name: string, ...gates: string[]) => {
    const schedulingGates = [placementGate, ...gates].map((gate) => ({ name: gate }))
    const containers = [{ name: 'main', image: 'busybox' }]
    const spec = { schedulingGates, containers, tolerations: [{ operator: 'Exists' }] }
    await mustCreate(root.client, pods, {
      metadata: { namespace: 'shop', name, labels: { app: 'web' } },
      spec,
    } as KubeObject)
  }
  const placeOf = async (name: string) => {
    for (;;) {
      const found = await root.client.get(pods, { namespace: 'shop', name })
      const value = found?.spec.nodeSelector?.[clusterLabel]
      const isOpen = !found?.spec.schedulingGates?.some((gate) => gate.name === placementGate)
      if (found && isOpen) return value
      await sleep(20)
    }
  }

  before(async () => {
    root = await startAdmittingRoot('other-gates')
    for (const name of ['leaf1', 'leaf2']) {
      const metadata = { name: `kosmos-${name}`, labels: { [clusterLabel]: name } }
      const condition = { type: 'Ready', status: 'True', reason: 'Test', message: '' }
      const times = { lastHeartbeatTime: null, lastTransitionTime: null }
      const status = { allocatable: { cpu: '4', pods: '10' }, conditions: [{ ...condition, ...times }] }
      await mustCreate(root.client, nodes, { metadata, status } as KubeObject)
    }
    const allocationPolicy = [
      { name: 'leaf1', replicas: 1 },
      { name: 'leaf2', replicas: 1 },
    ]
    const labelSelector = { matchLabels: { app: 'web' } }
    const { metadata, ...policy } = policyLike({ allocationPolicy, allocationType: 'Required', labelSelector })
    const { namespace, name } = metadata
    await mustCreate(root.client, workloadPolicies, { ...policy, metadata: { namespace, name } } as KubeObject)
    const record = ({ metadata }: KubeObject, { reason, note }: { reason: string; note: string }) =>
      void told.push(`${metadata?.name} ${reason}: ${note}`)
    const scheduler = new Scheduler({ root: root.client, takeBackAfterMs: 0, record, log: () => {} })
    scheduling = scheduler.run(stop.signal)
    await scheduler.synced
  })
  after(async () => {
    stop.abort()
    await scheduling
    await root.stop()
  })

  it('takes no place from those that can start, says why it waits, and goes where the other has sent it meanwhile', async () => {
    await pod('a-held', otherGate)
    while (told.length === 0) await sleep(20)
    assert.match(told.join(), /^a-held OtherGates: .* example\.org\/quota$/)
    await pod('b-next')
    assert.equal(await placeOf('b-next'), 'leaf1')
    const sent = { nodeSelector: { [clusterLabel]: 'leaf2' }, schedulingGates: [{ $patch: 'delete', name: otherGate }] }
    const held = { namespace: 'shop', name: 'a-held' }
    const opened = await root.client.patch<Pod>(pods, held, { spec: sent }, { type: 'strategic' })
    assert(opened.ok, JSON.stringify(opened))
    assert.equal(await placeOf('a-held'), 'leaf2')
  })
})
