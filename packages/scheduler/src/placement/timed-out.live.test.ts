import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { clusterLabel, placementGate, seatAnnotation } from '@kosmos/api'
import { type KubeObject, type Pod, pods } from '@kosmos/kube'
import { mustCreate } from '../admitting-root.fixture.ts'
import { type FaultyRoot, startFaultyRoot } from '../faulty-root.fixture.ts'
import { policyLike } from '../pods.fixture.ts'
import { workloadPolicies } from '../policies/resource.ts'
import { isGated } from './standing.ts'

const namespace = 'shop'
const leaves = ['leaf1', 'leaf2']
const PODS = 12

describe('an API server that answers writes of the scheduler too late (504)', () => {
  let faulty: FaultyRoot
  before(async () => {
    faulty = await startFaultyRoot('timed-out', leaves, { cpu: '40', pods: '99' })
  })
  after(() => faulty?.stop())

  const seatOf = ({ metadata, spec }: Pod) =>
    `${spec.nodeSelector?.[clusterLabel]} ${metadata.annotations?.[seatAnnotation]}`

  it('is asked the same again: places are as the policy says, none is given twice, and the status counts each once', async () => {
    const { root, proxy } = faulty
    const labelSelector = { matchLabels: { app: 'web' } }
    const { metadata, ...policy } = policyLike({
      allocationPolicy: leaves.map((name) => ({ name, replicas: 4 })),
      allocationType: 'Required',
      labelSelector,
    })
    const { name } = metadata
    await mustCreate(root.client, workloadPolicies, { ...policy, metadata: { namespace, name } } as KubeObject)
    // Of three writes one is carried out, one is not, and one is answered in time.
    let writes = 0
    const isWrite = (method: string, path: string) => method === 'PATCH' && /\/(pods|workloadpolicies)\//.test(path)
    const isNth = (n: number, all: number) => all % 3 === n
    proxy.answer(504, { match: (...asked) => isWrite(...asked) && isNth(1, ++writes), times: PODS, isCarriedOut: true })
    proxy.answer(504, { match: (...asked) => isWrite(...asked) && isNth(2, writes), times: PODS })
    const spec = {
      schedulingGates: [{ name: placementGate }],
      containers: [{ name: 'main', image: 'busybox' }],
      tolerations: [{ operator: 'Exists' }],
    }
    await Promise.all(
      Array.from({ length: PODS }, (_, i) =>
        mustCreate(root.client, pods, {
          metadata: { namespace, name: `web-${i}`, labels: { app: 'web' } },
          spec,
        } as KubeObject),
      ),
    )
    const all = () => root.client.listAll(pods, { namespace })
    while ((await all()).filter(isGated).length > 4) await sleep(50)
    const status = async () => (await root.client.get(workloadPolicies, { namespace, name }))?.status
    while ((await status())?.waiting !== 4) await sleep(50)
    const placed = (await all()).filter((pod) => !isGated(pod))
    const seats = leaves.flatMap((leaf) => [1, 2, 3, 4].map((number) => `${leaf} ${number}`))
    assert.deepEqual(placed.map(seatOf).sort(), seats)
    const counts = (await status())?.allocations?.map(({ name, desired, assigned }) => ({ name, desired, assigned }))
    assert.deepEqual(
      counts,
      leaves.map((name) => ({ name, desired: 4, assigned: 4 })),
    )
    // Who has gone makes room for one that waits, whatever was answered about it before.
    const [gone] = placed
    await root.client.delete(pods, gone?.metadata ?? assert.fail(), { gracePeriodSeconds: 0 })
    while ((await all()).filter(isGated).length > 3) await sleep(50)
    assert.deepEqual(
      (await all())
        .filter((pod) => !isGated(pod))
        .map(seatOf)
        .sort(),
      seats,
    )
  })
})
