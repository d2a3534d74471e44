import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { rootClusterLabel } from '@kosmos/api'
import { configMaps, type KubeObject, keyOf, pods, secrets, unwrap } from '@kosmos/kube'
import { eventually, type LiveCluster, startCluster } from '../live.fixture.ts'
import { admitsPods, clusterSays, joinLeaf, makeAnew, runTree } from './fixture.ts'

const pod = { namespace: 'default', name: 'steady' }

describe('a leaf that is made anew while it is followed, with the address and the keys of the first', () => {
  const stop = new AbortController()
  let root: LiveCluster
  let leaf: LiveCluster
  let running: Promise<void>

  const inRoot = async () => (await root.client.get(pods, pod)) ?? assert.fail('the root pod is gone')
  const copy = () => leaf.client.get(pods, pod)

  before(async () => {
    ;[root, leaf] = await Promise.all([startCluster('root'), startCluster('leaf')])
    await joinLeaf(root, leaf)
    running = runTree(root, () => {}, stop.signal)
    running.catch(() => {})
    await clusterSays(root, 'CredentialsValid', 'True CredentialsAccepted')
    const placed = { nodeName: 'kosmos-leaf', tolerations: [{ operator: 'Exists' }] }
    const envFrom = [{ configMapRef: { name: 'settings' } }, { secretRef: { name: 'password' } }]
    const containers = [{ name: 'main', image: 'nginx', envFrom }]
    const podSpec = { ...placed, automountServiceAccountToken: false, containers }
    const data = { a: 'Yg==' }
    unwrap(await root.client.create(configMaps, { metadata: { ...pod, name: 'settings' }, data } as KubeObject))
    unwrap(await root.client.create(secrets, { metadata: { ...pod, name: 'password' }, data } as KubeObject))
    unwrap(await root.client.create(pods, { metadata: pod, spec: podSpec } as KubeObject))
    await eventually('there is a copy', copy)
    const status = { phase: 'Running', startTime: '2026-01-01T00:00:00Z' }
    await leaf.client.patch(pods, pod, { status }, { type: 'strategic', subresource: 'status' })
    await eventually('it runs', async () => (await inRoot()).status?.phase === 'Running')
  })
  after(async () => {
    stop.abort()
    await running
    await Promise.all([root?.end(), leaf?.end()])
  })

  it('is not taken for the first: its pods have not failed, and nothing is written to the other', async () => {
    await makeAnew(leaf)
    await admitsPods(leaf)
    await clusterSays(root, 'VirtualNodesReady', 'False LeafReplaced')
    assert.equal((await inRoot()).status?.phase, 'Running')
    for (const resource of [pods, configMaps, secrets]) {
      const written = await leaf.client.listAll(resource, { labelSelector: rootClusterLabel })
      assert.deepEqual(written.map(keyOf), [], resource.plural)
    }
  })
})
