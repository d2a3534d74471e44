import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { clusters, configMaps, type KubeObject, pods, unwrap } from '@kosmos/kube'
import { type FaultProxy, startFaultProxy } from '@kosmos/testbed'
import { eventually, type LiveCluster, startCluster } from '../live.fixture.ts'
import { connectRoot } from '../root/root.ts'
import { clusterSays, joinLeaf, leafAlone, makeAnew, runTree } from './fixture.ts'

const namespace = 'default'
/** What a leaf is known by. */
const IDENTITY = '/api/v1/namespaces/kube-system'
const WRITES: readonly string[] = ['CREATE', 'UPDATE', 'PATCH', 'DELETE']

describe('a leaf that does not say who it is, when something of it is to be taken as a whole again', () => {
  const stop = new AbortController()
  let root: LiveCluster
  let leaf: LiveCluster
  let proxy: FaultProxy
  let running: Promise<void> | undefined

  const ref = (name: string) => ({ namespace, name })
  const copy = (name: string) => leaf.client.get(pods, ref(name))
  const settingsInLeaf = async () => (await leaf.client.get(configMaps, ref('settings')))?.data?.colour
  const asked = () => proxy.requests().filter(({ path }) => path.startsWith(IDENTITY)).length
  const written = () => proxy.requests().filter(({ verb, path }) => WRITES.includes(verb) && !path.includes('reviews'))
  /** From here on it does not say who it is; and, as after a compaction, its watches have to begin anew. */
  const doubt = async () => {
    proxy.resetStats()
    proxy.answer(503, { match: (_method, path) => path.startsWith(IDENTITY) })
    proxy.expireWatches()
    await eventually('it is asked who it is', () => asked() > 0)
  }
  /** Since the question is asked once a second: what is going to happen meanwhile, has happened. */
  const goOnDoubting = async () => {
    const before = asked()
    await eventually('it is asked again and again', () => asked() >= before + 3)
  }
  const createPod = async (name: string, container: object = {}) => {
    const spec = {
      nodeName: 'kosmos-leaf',
      tolerations: [{ operator: 'Exists' }],
      automountServiceAccountToken: false,
      containers: [{ name: 'main', image: 'nginx', ...container }],
    }
    unwrap(await root.client.create(pods, { metadata: ref(name), spec } as KubeObject))
  }

  before(async () => {
    ;[root, leaf] = await Promise.all([startCluster('root'), startCluster('leaf')])
    proxy = await startFaultProxy({ target: leaf.controlPlane })
    const { client, controlPlane } = leaf
    // Further than a cluster that has just been made: what has gone less far does not know our versions.
    const far = Array.from({ length: 500 }, (_, i) => ({ metadata: ref(`far-${i}`) }))
    await Promise.all(far.map((object) => client.create(configMaps, object)))
    await joinLeaf(root, { ...leaf, controlPlane: { ...controlPlane, kubeconfig: proxy.kubeconfig } })
  })
  after(async () => {
    stop.abort()
    await running
    await proxy?.close()
    await Promise.all([root?.end(), leaf?.end()])
  })

  it('is not said to have nothing of ours left, until it has said so', async (t) => {
    const life = new AbortController()
    const connected = await connectRoot(root.client, { record: () => {} })
    const following = connected.run(life.signal)
    await Promise.all([connected.virtualNodes.synced, connected.boundPods.informer.synced])
    const joined = leafAlone(
      { cluster: (await root.client.get(clusters, { name: 'leaf' })) ?? assert.fail(), root: connected },
      proxy.kubeconfig,
    )
    t.after(async () => {
      life.abort()
      await joined.stop()
      await following
    })
    await joined.leave()
    const isKnown = () => joined.objectsLeft() === 0 && joined.isSettled
    await eventually('it has nothing of ours', isKnown)
    await doubt()
    assert.deepEqual([joined.objectsLeft(), joined.isSettled], [undefined, false])
    await goOnDoubting()
    assert.deepEqual([joined.objectsLeft(), joined.isSettled], [undefined, false])
    await proxy.restore()
    await eventually('it still has nothing', isKnown)
  })

  it('is written nothing meanwhile, and everything when it has said that it is the same', async () => {
    running = runTree(root, () => {}, stop.signal)
    running.catch(() => {})
    await clusterSays(root, 'CredentialsValid', 'True CredentialsAccepted')
    const settings = { metadata: ref('settings'), data: { colour: 'red' } }
    unwrap(await root.client.create(configMaps, settings as KubeObject))
    await createPod('steady', { envFrom: [{ configMapRef: { name: 'settings' } }] })
    await eventually('there is a copy', () => copy('steady'))
    await doubt()
    await createPod('late')
    await root.client.patch(configMaps, ref('settings'), { data: { colour: 'blue' } }, { type: 'merge' })
    await goOnDoubting()
    assert.deepEqual(written(), [])
    await proxy.restore()
    await eventually('the copy of the new pod is there', () => copy('late'))
    await eventually('the other has what changed', async () => (await settingsInLeaf()) === 'blue')
  })

  it('is not believed that its pods are gone, and another in its place is not written to', async () => {
    const status = { phase: 'Running', startTime: '2026-01-01T00:00:00Z' }
    await leaf.client.patch(pods, ref('steady'), { status }, { type: 'strategic', subresource: 'status' })
    const phase = async () => (await root.client.get(pods, ref('steady')))?.status?.phase
    await eventually('it runs', async () => (await phase()) === 'Running')
    proxy.answer(503, { match: (_method, path) => path.startsWith(IDENTITY) })
    proxy.resetStats()
    await makeAnew(leaf)
    const taken = (what: string) =>
      proxy.requests().some(({ verb, path }) => verb === 'WATCHLIST' && path.startsWith(`/api/v1/${what}?`))
    await eventually('all is taken as a whole again', () => ['pods', 'configmaps', 'secrets'].every(taken))
    // Somebody has the pod looked at: its copy is not there.
    const change = { metadata: { annotations: { looked: 'at' } } }
    await root.client.patch(pods, ref('steady'), change, { type: 'merge' })
    await goOnDoubting()
    assert.equal(await phase(), 'Running')
    assert.deepEqual(written(), [])
    await proxy.restore()
    await clusterSays(root, 'VirtualNodesReady', 'False LeafReplaced')
    assert.equal(await phase(), 'Running')
    assert.deepEqual(written(), [])
  })
})
