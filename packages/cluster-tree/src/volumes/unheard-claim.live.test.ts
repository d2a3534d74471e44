import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { namespaces, persistentVolumeClaims, unwrap } from '@kosmos/kube'
import { privateName } from '../copies/private-name.ts'
import { type LiveCluster, startCluster } from '../live.fixture.ts'
import { hasClaim } from './unheard-claim.ts'

describe('whether a leaf has its claim for one of the root', () => {
  const rootClusterId = '6d9f0a52-8f1b-4f0e-9a64-0d2f4c1f7c11'
  let leaf: LiveCluster
  const create = async (name: string, uid?: string) => {
    const annotations = uid === undefined ? {} : { 'kosmos.io/root-uid': uid }
    const spec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Mi' } } }
    const metadata = { namespace: 'shop', name, annotations }
    unwrap(await leaf.client.create(persistentVolumeClaims, { metadata, spec } as object))
  }
  const has = (name: string, uid: string | undefined) => hasClaim(leaf.client, `shop/${name}`, { uid, rootClusterId })

  before(async () => {
    leaf = await startCluster('leaf')
    await leaf.client.create(namespaces, { metadata: { name: 'shop' } })
  })
  after(() => leaf?.end())

  it('is asked of the leaf, by the name that it has there', async () => {
    assert.equal(await has('data', 'u-1'), false)
    await create('data', 'u-1')
    assert.equal(await has('data', 'u-1'), true)
    await create('taken')
    await create(privateName('taken', rootClusterId), 'u-2')
    assert.equal(await has('taken', 'u-2'), true)
  })

  it('is no for a claim of the leaf’s own, and for that of another incarnation', async () => {
    await create('foreign')
    assert.equal(await has('foreign', 'u-3'), false)
    assert.equal(await has('data', 'u-9'), false)
    assert.equal(await has('foreign', undefined), false)
  })
})
