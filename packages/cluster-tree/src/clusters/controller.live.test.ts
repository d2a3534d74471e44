import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import {
  type Client,
  clusters,
  customResourceDefinitions,
  type KubeObject,
  Store,
  type StoredCluster,
  unwrap,
} from '@kosmos/kube'
import { load } from 'js-yaml'
import { connect, eventually, type LiveCluster, startCluster } from '../live.fixture.ts'
import { connectRoot, type Root } from '../root/root.ts'
import { ClusterController } from './controller.ts'

const definition = new URL('../../../../deploy/crds/kosmos.io_clusters.yaml', import.meta.url)

describe('the conditions of a Cluster', () => {
  const stop = new AbortController()
  const known = new Store<StoredCluster>()
  const ref = { name: 'east' }
  let root: LiveCluster
  let client: Client
  let statusWrites = 0
  let running: Promise<unknown>

  before(async () => {
    root = await startCluster('root')
    unwrap(await root.client.create(customResourceDefinitions, load(readFileSync(definition, 'utf8')) as KubeObject))
    client = await connect('root', root.controlPlane.kubeconfig, {
      onRequest: ({ method, path }) => {
        if (method === 'PATCH' && path.includes('/status')) statusWrites++
      },
    })
  })
  after(async () => {
    stop.abort()
    await running
    await client?.connection.close()
    await root?.end()
  })

  const conditions = async () => (await root.client.get(clusters, ref))?.status?.conditions ?? []
  const has = async (type: string) => (await conditions()).some((one) => one.type === type)

  it('that ClusterLink wrote meanwhile are not overwritten with what was known before', async () => {
    const before = await eventually('the root knows the kind', async () => {
      const manifest = { metadata: ref, spec: { clusterTreeOptions: { enable: false } } } as KubeObject
      const created = await root.client.create(clusters, manifest).catch(() => undefined)
      return created?.ok && created.object
    })
    const linked = {
      type: 'Linked',
      status: 'True',
      reason: 'Linked',
      message: 'linked',
      lastTransitionTime: '2026-01-01T00:00:00Z',
    }
    const status = { conditions: [linked] }
    assert((await root.client.patch(clusters, ref, { status }, { type: 'merge', subresource: 'status' })).ok)
    // The watch lags behind.
    known.set(before)
    const connected = await connectRoot(client, { record: () => {} })
    const lagging = { store: known, get: known.get.bind(known), subscribe: known.subscribe.bind(known) }
    const behind = { ...connected, clusters: { ...lagging, synced: Promise.resolve() } } as unknown as Root
    const { controller } = new ClusterController({
      root: behind,
      log: () => {},
      kubelets: { serve: () => assert.fail() },
      startLeaf: () => assert.fail(),
    })
    running = Promise.all([connected.run(stop.signal), controller.run(stop.signal)])
    await eventually('it has tried', () => statusWrites > 0)
    assert(await has('Linked'))
    known.set((await root.client.get(clusters, ref)) ?? assert.fail())
    await eventually('its own are there', () => has('Reachable'))
    assert(await has('Linked'))
  })
})
