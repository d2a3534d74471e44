import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { clusterLabel, placementGate } from '@kosmos/api'
import { Client, Connection, createTransport, type KubeObject, loadKubeConfig, nodes, pods } from '@kosmos/kube'
import { type FaultProxy, startFaultProxy } from '@kosmos/testbed'
import { type AdmittingRoot, mustCreate, startAdmittingRoot } from '../admitting-root.fixture.ts'
import { policyLike } from '../pods.fixture.ts'
import { workloadPolicies } from '../policies/resource.ts'
import { Scheduler } from '../scheduler.ts'

describe('a pod of a policy that the scheduler has not heard of', () => {
  let root: AdmittingRoot
  let proxy: FaultProxy
  let through: Client
  let scheduling: Promise<void>
  const stop = new AbortController()

  before(async () => {
    root = await startAdmittingRoot('unheard')
    proxy = await startFaultProxy({ target: root.controlPlane })
    through = new Client(
      new Connection('root', await createTransport(loadKubeConfig({ file: proxy.kubeconfig }))),
      'kosmos-test',
    )
    const metadata = { name: 'kosmos-leaf1', labels: { [clusterLabel]: 'leaf1' } }
    const condition = { type: 'Ready', status: 'True', reason: 'Test', message: '' }
    const times = { lastHeartbeatTime: null, lastTransitionTime: null }
    const status = { allocatable: { cpu: '4', pods: '10' }, conditions: [{ ...condition, ...times }] }
    await mustCreate(root.client, nodes, { metadata, status } as KubeObject)
    const scheduler = new Scheduler({ root: through, takeBackAfterMs: 0, record: () => {}, log: () => {} })
    scheduling = scheduler.run(stop.signal)
    await scheduler.synced
  })
  after(async () => {
    stop.abort()
    await scheduling
    await through?.connection.close()
    await proxy?.close()
    await root?.stop()
  })

  it('waits until it has', async () => {
    const isWatched = (path: string) => path.includes('/workloadpolicies') && path.includes('watch=')
    proxy.answer(503, { match: (_method, path) => isWatched(path) })
    proxy.resetStats()
    proxy.expireWatches()
    while (!proxy.requests().some(({ path }) => isWatched(path))) await sleep(50)
    const labelSelector = { matchLabels: { app: 'web' } }
    const { metadata, ...policy } = policyLike({
      allocationPolicy: [{ name: 'leaf1', replicas: 1 }],
      allocationType: 'Required',
      labelSelector,
    })
    const { namespace, name } = metadata
    await mustCreate(root.client, workloadPolicies, { ...policy, metadata: { namespace, name } } as KubeObject)
    const spec = {
      schedulingGates: [{ name: placementGate }],
      containers: [{ name: 'main', image: 'busybox' }],
      tolerations: [{ operator: 'Exists' }],
    }
    const web = { namespace: 'shop', name: 'web-0' }
    await mustCreate(root.client, pods, { metadata: { ...web, labels: { app: 'web' } }, spec } as KubeObject)
    // It asks what there is before it lets the pod go, and asks again.
    const asked = () =>
      proxy.requests().filter(({ verb, path }) => verb === 'LIST' && path.includes('/namespaces/shop/workloadpolicies'))
    while (asked().length < 3) await sleep(50)
    const seen = await root.client.get(pods, web)
    assert.equal(seen?.spec.schedulingGates?.length, 1, 'its gate is shut')
    await proxy.restore()
    while ((await root.client.get(pods, web))?.spec.nodeSelector?.[clusterLabel] !== 'leaf1') await sleep(50)
  })
})
