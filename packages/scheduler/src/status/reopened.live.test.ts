import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type KubeObject, nodes } from '@kosmos/kube'
import { type AdmittingRoot, mustCreate, startAdmittingRoot } from '../admitting-root.fixture.ts'
import { policyLike } from '../pods.fixture.ts'
import { workloadPolicies } from '../policies/resource.ts'
import { Scheduler } from '../scheduler.ts'

const shapes = (machines: number) => ({
  'kosmos.io/free-shapes': JSON.stringify([{ nodes: machines, free: { cpu: '4', memory: '8Gi', pods: '10' } }]),
})

describe('a policy whose pods a leaf has refused', () => {
  let root: AdmittingRoot
  before(async () => {
    root = await startAdmittingRoot('reopened')
  })
  after(() => root?.stop())

  it('says so no longer when the leaf has more room than it had then, so that the next leader asks it as well', async () => {
    const { client } = root
    const annotations = shapes(1)
    await mustCreate(client, nodes, { metadata: { name: 'kosmos-leaf1', annotations } } as KubeObject)
    const { metadata, ...policy } = policyLike({ allocationPolicy: [{ name: 'leaf1', weight: 1 }] })
    const ref = { namespace: metadata.namespace, name: metadata.name }
    const refusal = { node: 'kosmos-leaf1', requests: { cpu: '2' }, tries: 3, machines: 1, message: 'a taint' }
    const until = new Date(Date.now() + 3_600_000).toISOString()
    const status = { refusals: [{ ...refusal, until }] }
    await mustCreate(client, workloadPolicies, { ...policy, metadata: ref } as KubeObject)
    await client.patch(workloadPolicies, ref, { status }, { type: 'merge', subresource: 'status' })
    // By the leader before this one.
    const stop = new AbortController()
    const scheduler = new Scheduler({ root: client, takeBackAfterMs: 0, record: () => {}, log: () => {} })
    const running = scheduler.run(stop.signal)
    await scheduler.synced
    const written = async () => (await client.get(workloadPolicies, ref))?.status?.refusals?.[0]
    while (!(await client.get(workloadPolicies, ref))?.status?.conditions) await sleep(50)
    assert.equal((await written())?.until, until)
    await client.patch(nodes, { name: 'kosmos-leaf1' }, { metadata: { annotations: shapes(2) } }, { type: 'merge' })
    while ((await written())?.machines !== 2) await sleep(50)
    assert(Date.parse((await written())?.until ?? '') <= Date.now())
    stop.abort()
    await running
  })
})
