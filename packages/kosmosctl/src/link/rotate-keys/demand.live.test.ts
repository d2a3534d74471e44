import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { rotateKeysAnnotation } from '@kosmos/api'
import { clusters, type KubeObject } from '@kosmos/kube'
import { installDefinitions } from '../../install/definitions.ts'
import { liveClusters } from '../../live.fixture.ts'
import { demandKeys } from './demand.ts'

describe('a demand for new keys, on a real API server', () => {
  const { root } = liveClusters(['root'])
  before(async () => {
    await installDefinitions(root.client)
  })

  it('is stored with the Cluster, but not when it is only asked of which nodes it would be', async () => {
    const spec = { clusterLinkOptions: { enable: true } }
    assert.ok((await root.client.create(clusters, { metadata: { name: 'paris' }, spec } as KubeObject)).ok)
    const wish = { clusters: [], nodes: [] }
    const stored = async () => (await root.client.get(clusters, { name: 'paris' }))?.metadata.annotations
    const would = await demandKeys(root.client, { ...wish, dryRun: true }, Date.now())
    assert.deepEqual(would.clusters, ['paris'])
    assert.equal((await stored())?.[rotateKeysAnnotation], undefined)
    const { keysFromBefore } = await demandKeys(root.client, { ...wish, dryRun: false }, Date.now())
    assert.equal((await stored())?.[rotateKeysAnnotation], keysFromBefore)
  })
})
