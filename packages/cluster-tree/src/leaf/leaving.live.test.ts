import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import { clusters, customResourceDefinitions, type KubeObject, unwrap } from '@kosmos/kube'
import { load } from 'js-yaml'
import { eventually, type LiveCluster, startCluster } from '../live.fixture.ts'
import { connectRoot } from '../root/root.ts'
import { leafAlone } from './fixture.ts'
import type { Leaf } from './leaf.ts'

const definition = new URL('../../../../deploy/crds/kosmos.io_clusters.yaml', import.meta.url)

describe('a leaf that is to be left', () => {
  const stop = new AbortController()
  let root: LiveCluster
  let leaf: LiveCluster
  let found: Leaf | undefined
  before(async () => {
    ;[root, leaf] = await Promise.all([startCluster('root'), startCluster('leaf')])
  })
  after(async () => {
    stop.abort()
    await found?.stop()
    await Promise.all([root?.end(), leaf?.end()])
  })

  it('is followed to the end although the root did not answer when it was found again', async () => {
    unwrap(await root.client.create(customResourceDefinitions, load(readFileSync(definition, 'utf8')) as KubeObject))
    const cluster = await eventually('the root knows the Cluster', async () => {
      const manifest = { metadata: { name: 'leaf' }, spec: {} } as KubeObject
      return await root.client.create(clusters, manifest).then(
        (created) => created.ok && created.object,
        () => undefined,
      )
    })
    const connected = await connectRoot(root.client, { record: () => {} })
    void connected.run(stop.signal)
    await connected.virtualNodes.synced
    await root.controlPlane.kill('kube-apiserver')
    const lost = leafAlone({ cluster, root: connected }, leaf.controlPlane.kubeconfig)
    found = lost
    await lost.leave()
    await eventually('what is left in the leaf is known', () => lost.objectsLeft() !== undefined)
    assert.equal(lost.objectsLeft(), 0)
  })
})
