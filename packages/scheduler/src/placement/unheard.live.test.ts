import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { clusterLabel, placementGate } from '@kosmos/api'
import { type KubeObject, pods } from '@kosmos/kube'
import { mustCreate } from '../admitting-root.fixture.ts'
import { type FaultyRoot, startFaultyRoot } from '../faulty-root.fixture.ts'
import { policyLike } from '../pods.fixture.ts'
import { workloadPolicies } from '../policies/resource.ts'

describe('a pod of a policy that the scheduler has not heard of', () => {
  let faulty: FaultyRoot
  before(async () => {
    faulty = await startFaultyRoot('unheard', ['leaf1'], { cpu: '4', pods: '10' })
  })
  after(() => faulty?.stop())

  it('waits until it has', async () => {
    const { root, proxy } = faulty
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
