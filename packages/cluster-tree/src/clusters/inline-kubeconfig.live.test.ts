import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import { apiVersion, systemNamespace } from '@kosmos/api'
import {
  clusters,
  customResourceDefinitions,
  type KubeObject,
  namespaces,
  type StoredCluster,
  secrets,
  unwrap,
} from '@kosmos/kube'
import { kubeconfig } from '@kosmos/kube/testing'
import { load } from 'js-yaml'
import { eventually, type LiveCluster, startCluster } from '../live.fixture.ts'
import { moveInlineKubeconfig, removeMovedKubeconfig } from './inline-kubeconfig.ts'

const definition = new URL('../../../../deploy/crds/kosmos.io_clusters.yaml', import.meta.url)
const inline = Buffer.from(kubeconfig()).toString('base64')

describe('a Cluster with its kubeconfig inline, as the original Kosmos has it', () => {
  let root: LiveCluster

  before(async () => {
    root = await startCluster('root')
    await root.client.create(customResourceDefinitions, load(readFileSync(definition, 'utf8')) as KubeObject)
    await root.client.create(namespaces, { metadata: { name: systemNamespace } })
    await eventually('Clusters are served', async () => {
      const { code } = await root.client.connection.request({ method: 'GET', path: `/apis/${apiVersion}/clusters` })
      return code === 200
    })
  })
  after(() => root?.end())

  const create = async (name: string): Promise<StoredCluster> => {
    const spec = { kubeconfig: inline, clusterTreeOptions: { enable: true } }
    return unwrap(await root.client.create(clusters, { metadata: { name }, spec } as KubeObject)) ?? assert.fail()
  }
  const secretOf = (name: string) => root.client.get(secrets, { namespace: systemNamespace, name: `cluster-${name}` })

  it('has it in a Secret afterwards, and no longer for everybody to read', async () => {
    assert.equal(await moveInlineKubeconfig(root.client, await create('east')), 'kosmos-system/cluster-east')
    const { spec } = (await root.client.get(clusters, { name: 'east' })) ?? assert.fail()
    assert.equal(spec.kubeconfig, undefined)
    assert.deepEqual(spec.credentialsSecretRef, {
      namespace: systemNamespace,
      name: 'cluster-east',
      key: 'kubeconfig',
    })
    assert.equal((await secretOf('east'))?.data?.kubeconfig, inline)
  })

  it('loses nothing when we die between the two writes', async () => {
    const cluster = await create('crash')
    // The second write does not get through: it is for a state that is over.
    await root.client.patch(clusters, { name: 'crash' }, { metadata: { labels: { a: 'b' } } }, { type: 'merge' })
    await assert.rejects(moveInlineKubeconfig(root.client, cluster), /cannot be cleared/)
    const between = (await root.client.get(clusters, { name: 'crash' })) ?? assert.fail()
    assert.equal(between.spec.kubeconfig, inline)
    await moveInlineKubeconfig(root.client, between)
    assert.equal((await root.client.get(clusters, { name: 'crash' }))?.spec.kubeconfig, undefined)
    assert.equal((await secretOf('crash'))?.data?.kubeconfig, inline)
  })

  it('does not take over a Secret of that name which somebody else made', async () => {
    const metadata = { namespace: systemNamespace, name: 'cluster-west' }
    const theirs = unwrap(await root.client.create(secrets, { metadata, data: { a: 'AA==' } } as KubeObject))
    const cluster = await create('west')
    await assert.rejects(moveInlineKubeconfig(root.client, cluster), /Secret kosmos-system\/cluster-west exists/)
    await removeMovedKubeconfig(root.client, cluster)
    assert.equal((await secretOf('west'))?.metadata.resourceVersion, theirs?.metadata.resourceVersion)
    assert.equal((await root.client.get(clusters, { name: 'west' }))?.spec.kubeconfig, inline)
  })

  it('takes its Secret with it when it goes', async () => {
    const cluster = await create('gone')
    await moveInlineKubeconfig(root.client, cluster)
    await removeMovedKubeconfig(root.client, cluster)
    assert.equal(await secretOf('gone'), undefined)
    await removeMovedKubeconfig(root.client, cluster)
  })
})
