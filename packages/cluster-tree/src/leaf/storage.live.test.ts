import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { leafProvisioner } from '@kosmos/api'
import {
  clusters,
  csiDrivers,
  csiStorageCapacities,
  type KubeObject,
  nodes,
  storageClasses,
  unwrap,
} from '@kosmos/kube'
import { eventually, type LiveCluster, startCluster } from '../live.fixture.ts'
import { clusterSays, joinLeaf, runTree } from './fixture.ts'

const pools = (...names: string[]) => ({
  leafNodeName: names[0] ?? '',
  nodeSelector: { labelSelector: { matchExpressions: [{ key: 'pool', operator: 'In', values: names }] } },
})

describe('the storage of a leaf, as its Cluster says', () => {
  const stop = new AbortController()
  let root: LiveCluster
  let leaf: LiveCluster
  let running: Promise<void>

  const setOptions = async (clusterTreeOptions: object) => {
    const patch = { spec: { clusterTreeOptions } }
    unwrap(await root.client.patch(clusters, { name: 'leaf' }, patch, { type: 'merge' }))
  }
  const rooms = async () => {
    const told = await root.client.listAll(csiStorageCapacities)
    return Object.fromEntries(
      told.map(({ nodeTopology, capacity }) => [nodeTopology?.matchLabels?.['kubernetes.io/hostname'], capacity]),
    )
  }

  before(async () => {
    ;[root, leaf] = await Promise.all([startCluster('root'), startCluster('leaf')])
    const provisioned = (provisioner: string) =>
      ({ metadata: { name: 'fast' }, provisioner, volumeBindingMode: 'WaitForFirstConsumer' }) as KubeObject
    unwrap(await root.client.create(storageClasses, provisioned(leafProvisioner)))
    unwrap(await leaf.client.create(storageClasses, provisioned('csi.example')))
    const driver = { metadata: { name: 'csi.example' }, spec: { storageCapacity: true } } as KubeObject
    unwrap(await leaf.client.create(csiDrivers, driver))
    for (const [pool, capacity] of [
      ['a', '10Gi'],
      ['b', '20Gi'],
      ['c', '30Gi'],
    ] as const) {
      unwrap(await leaf.client.create(nodes, { metadata: { name: `node-${pool}`, labels: { pool } } }))
      const room = { storageClassName: 'fast', nodeTopology: { matchLabels: { pool } }, capacity }
      const metadata = { namespace: 'default', name: `room-${pool}` }
      unwrap(await leaf.client.create(csiStorageCapacities, { metadata, ...room } as KubeObject))
    }
    await joinLeaf(root, leaf, { leafModels: [pools('a', 'c'), pools('b')] })
    running = runTree(root, () => {}, stop.signal)
    running.catch(() => {})
    await clusterSays(root, 'CredentialsValid', 'True CredentialsAccepted')
  })
  after(async () => {
    stop.abort()
    await running
    await Promise.all([root?.end(), leaf?.end()])
  })

  it('is told anew of virtual nodes that stand for other nodes of the leaf from now on', async () => {
    const told = (a: string, b: string) =>
      eventually(`a has ${a}, b has ${b}`, async () => {
        const seen = await rooms()
        return seen['kosmos-a-0'] === a && seen['kosmos-b-0'] === b
      })
    await told('30Gi', '20Gi')
    await setOptions({ leafModels: [pools('a'), pools('b', 'c')] })
    await told('10Gi', '30Gi')
    assert.equal(Object.keys(await rooms()).length, 2)
  })
})
