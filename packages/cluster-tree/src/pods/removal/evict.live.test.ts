import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import { type KubeObject, namespaces, nodes, type Pod, pods, resource, serviceAccounts, unwrap } from '@kosmos/kube'
import { type LiveCluster, startCluster } from '../../live.fixture.ts'
import { evict } from './evict.ts'

const nodeName = 'kosmos-east'
const budgets = resource('policy/v1', 'PodDisruptionBudget', 'poddisruptionbudgets', 'Namespaced')

/** There is no controller of budgets here: what a budget allows is what the test writes into it. */
describe('pods of a virtual node that is given up', () => {
  let root: LiveCluster
  let namespace = ''
  let count = 0

  before(async () => {
    root = await startCluster('root')
    await root.client.create(nodes, { metadata: { name: nodeName } })
  })
  after(() => root?.end())
  beforeEach(async () => {
    namespace = `shop-${++count}`
    await root.client.create(namespaces, { metadata: { name: namespace } })
    await root.client.create(serviceAccounts, { metadata: { namespace, name: 'default' } })
  })

  async function runningPod(name: string, more: object = {}): Promise<Pod> {
    const spec = { nodeName, containers: [{ name: 'main', image: 'nginx' }] }
    const metadata = { namespace, name, labels: { app: name }, ...more }
    unwrap(await root.client.create(pods, { metadata, spec } as KubeObject))
    const status = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] }
    const ref = { namespace, name }
    return unwrap(
      await root.client.patch(pods, ref, { status }, { type: 'strategic', subresource: 'status' }),
    ) as unknown as Pod
  }

  async function budget(name: string, app: string, status?: object) {
    const spec = { minAvailable: 1, selector: { matchLabels: { app } } }
    const created = unwrap(await root.client.create(budgets, { metadata: { namespace, name }, spec } as KubeObject))
    if (!status) return
    const { generation: observedGeneration } = (created ?? assert.fail()).metadata as { generation?: number }
    const known = { currentHealthy: 1, desiredHealthy: 1, expectedPods: 1, disruptionsAllowed: 0, ...status }
    const patch = { status: { observedGeneration, ...known } }
    unwrap(await root.client.patch(budgets, { namespace, name }, patch, { type: 'merge', subresource: 'status' }))
  }

  const isGoing = async (name: string) => {
    const pod = await root.client.get(pods, { namespace, name })
    return pod === undefined || pod.metadata.deletionTimestamp !== undefined
  }

  it('go, but for those of DaemonSets', async () => {
    const ownerReferences = [{ apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'agent', uid: 'u', controller: true }]
    const onNode = [await runningPod('web'), await runningPod('agent', { ownerReferences })]
    assert.deepEqual(await evict(root.client, onNode), { left: 1, heldBack: [] })
    assert.deepEqual(await Promise.all(['web', 'agent'].map(isGoing)), [true, false])
  })

  it('stay while their budget allows no disruption, with its name and its figures, and keep no other back', async () => {
    await budget('keep-web', 'web', {})
    const onNode = [await runningPod('web'), await runningPod('api')]
    const { left, heldBack } = await evict(root.client, onNode)
    assert.deepEqual([left, heldBack.map(({ pod }) => pod.metadata.name)], [2, ['web']])
    assert.match(heldBack[0]?.said ?? '', /budget keep-web needs 1 healthy pods and has 1/)
    assert.deepEqual(await Promise.all(['web', 'api'].map(isGoing)), [false, true])
  })

  it('go no faster than it allows', async () => {
    await budget('keep-web', 'web', { disruptionsAllowed: 1, currentHealthy: 2 })
    const twins = await Promise.all(['a', 'b'].map((name) => runningPod(name, { labels: { app: 'web' } })))
    const { heldBack } = await evict(root.client, twins)
    assert.equal(heldBack.length, 1)
    assert.deepEqual((await Promise.all(['a', 'b'].map(isGoing))).sort(), [false, true])
  })

  it('stay while nobody has counted for their budget yet', async () => {
    await budget('keep-web', 'web')
    const { heldBack } = await evict(root.client, [await runningPod('web')])
    assert.match(heldBack[0]?.said ?? '', /disruption budget/)
    assert.equal(await isGoing('web'), false)
  })

  it('stay while two budgets speak of them, which the root says, and keep no other back', async () => {
    for (const name of ['one', 'two']) await budget(name, 'web', { disruptionsAllowed: 1 })
    const onNode = [await runningPod('web'), await runningPod('api')]
    const { heldBack } = await evict(root.client, onNode)
    assert.deepEqual(
      heldBack.map(({ pod }) => pod.metadata.name),
      ['web'],
    )
    assert.match(heldBack[0]?.said ?? '', /more than one PodDisruptionBudget/)
    assert.deepEqual(await Promise.all(['web', 'api'].map(isGoing)), [false, true])
  })

  it('are not mistaken for others that have their names by now', async () => {
    const before = await runningPod('web')
    unwrap(await root.client.delete(pods, { namespace, name: 'web' }, { gracePeriodSeconds: 0 }))
    await runningPod('web')
    assert.deepEqual(await evict(root.client, [before]), { left: 1, heldBack: [] })
    assert.equal(await isGoing('web'), false)
  })
})
