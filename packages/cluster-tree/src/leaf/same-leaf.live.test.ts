import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { Client, configMaps, namespaces } from '@kosmos/kube'
import { eventually, type LiveCluster, startCluster } from '../live.fixture.ts'
import { admitsPods, makeAnew } from './fixture.ts'
import { SameLeaf } from './same-leaf.ts'
import { watchLeaf } from './sources.ts'

describe('a leaf of which something is to be taken as a whole again', () => {
  const stop = new AbortController()
  let leaf: LiveCluster
  let leafId: string
  let running: Promise<void>
  let relists = 0
  let onRelist = () => {}

  before(async () => {
    leaf = await startCluster('leaf')
    await admitsPods(leaf)
    leafId = await id()
    // Further than a cluster that has just been made: what has gone less far does not know our versions.
    const far = Array.from({ length: 500 }, (_, i) => ({ metadata: { namespace: 'default', name: `far-${i}` } }))
    await Promise.all(far.map((object) => leaf.client.create(configMaps, object)))
    const sources = watchLeaf(
      leaf.client,
      'root-1',
      () => {},
      () => {
        relists++
        onRelist()
      },
    )
    running = sources.run(stop.signal)
    await Promise.all([sources.configuration.secrets, sources.endpointSlices, sources.pods].map(({ synced }) => synced))
  })
  after(async () => {
    stop.abort()
    await running
    await leaf?.end()
  })

  const id = () =>
    eventually('it says who it is', async () => {
      const found = await leaf.client.get(namespaces, { name: 'kube-system' }).catch(() => undefined)
      return found?.metadata.uid
    })
  /** As the controllers of a leaf have them. */
  const doubting = () => {
    const heard: string[] = []
    const sameLeaf = new SameLeaf({
      leaf: leaf.client,
      leafId,
      onSame: () => heard.push('same'),
      onOther: () => heard.push('other'),
    })
    const { connection, fieldManager } = leaf.client
    const client = new Client(connection, fieldManager, { beforeRequest: () => sameLeaf.answered })
    const write = (name: string) => client.create(configMaps, { metadata: { namespace: 'default', name } })
    return { sameLeaf, heard, write }
  }
  const inLeaf = (name: string) => leaf.client.get(configMaps, { namespace: 'default', name })

  it('is written to again once it has said that it is the same', async () => {
    const { sameLeaf, heard, write } = doubting()
    assert.ok((await write('before')).ok)
    const asked = sameLeaf.ask(stop.signal)
    const written = write('meanwhile').then(() => heard.push('written'))
    await Promise.all([asked, written])
    assert.deepEqual(heard, ['same', 'written'])
    assert.ok(await inLeaf('meanwhile'))
  })

  it('is not waited for when nobody asks any more', async () => {
    const { sameLeaf, heard, write } = doubting()
    const given = new AbortController()
    given.abort()
    const asked = sameLeaf.ask(given.signal)
    await assert.rejects(write('given-up'), /leaf: given up before it said who it is/)
    await asked
    assert.deepEqual(heard, [])
  })

  it('is asked who it is whatever that is, and nothing is written when it is another', async () => {
    const { sameLeaf, heard, write } = doubting()
    let early: Promise<unknown> | undefined
    onRelist = () => {
      void sameLeaf.ask(stop.signal)
      early ??= assert.rejects(write('early'), /leaf: another cluster answers in its place/)
    }
    await makeAnew(leaf)
    assert.notEqual(await id(), leafId)
    await eventually('pods, namespaces, claims, Services, EndpointSlices, ConfigMaps, Secrets', () => relists === 7)
    await early
    await assert.rejects(write('late'), /another cluster/)
    assert.deepEqual(heard, ['other'])
    assert.deepEqual(await Promise.all([inLeaf('early'), inLeaf('late')]), [undefined, undefined])
  })
})
