import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { explain } from '../../terminal/explain.ts'
import { judgedLink } from '../check/check.ts'
import { linkedFacts } from '../network/facts.fixture.ts'
import type { LinkFacts } from '../network/facts.ts'
import { archive } from './archive.ts'
import { bundleContents } from './contents.ts'
import { usualFile, writeArchive, writeFolder } from './write.ts'

const contentsOf = (facts: LinkFacts) =>
  bundleContents(facts, judgedLink(facts, new Set(facts.clusters.map(({ name }) => name)), true), '0.1.0')

describe('a support bundle', () => {
  const facts = linkedFacts([{ name: 'berlin' }, { name: 'paris' }])

  it('has Clusters, ClusterNodes, NodeConfigs, agents, versions and the check', () => {
    assert.deepEqual(
      [...contentsOf(facts).keys()],
      [
        'versions.json',
        'clusters.json',
        'clusternodes.json',
        'clusterlinkpolicies.json',
        'nodeconfigs/berlin.json',
        'agents/berlin.json',
        'nodeconfigs/paris.json',
        'agents/paris.json',
        'link-check.json',
        'link-check.txt',
      ],
    )
    assert.match(contentsOf(facts).get('nodeconfigs/berlin.json') ?? '', /vx-bridge/)
  })

  it('has no credentials in it, wherever they are in a Cluster', () => {
    const secret = 'c2VjcmV0LXRva2Vu'
    const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': secret, own: secret }
    const clusters = facts.clusters.map((one) => ({
      ...one,
      cluster: {
        ...one.cluster,
        metadata: { ...one.cluster.metadata, annotations, managedFields: [{ manager: secret }] },
        spec: { ...one.cluster.spec, kubeconfig: secret, unknown: { token: secret } },
      },
    }))
    const text = [...contentsOf({ ...facts, clusters } as LinkFacts).values()].join('')
    assert.ok(!text.includes(secret))
  })

  it('says why a cluster is missing in it', () => {
    const clusters = facts.clusters.map((one) => ({ ...one, inside: { error: 'no route to host' } }))
    const versions = contentsOf({ ...facts, clusters }).get('versions.json')
    assert.match(versions ?? '', /no route to host/)
  })

  it('is an archive of one folder', async () => {
    const packed = await archive('bundle', new Map([['a/b.json', '{}']]), new Date(0))
    assert.match(gunzipSync(packed).toString('latin1'), /^bundle\/a\/b\.json\0/)
  })
})

describe('a support bundle on a disk', () => {
  const now = new Date('2026-11-30T18:45:07.123Z')
  const files = new Map([
    ['versions.json', '{}'],
    ['agents/berlin.json', '[]'],
  ])
  let dir: string
  const at = (name: string) => path.join(dir, name)
  const complaint = async (work: Promise<void>) => {
    const error = await work.then(
      () => assert.fail('it was written'),
      (error: unknown) => explain(error),
    )
    return [error.message, error.next]
  }

  before(async () => {
    dir = await mkdtemp(path.join(tmpdir(), 'kosmos-bundle-'))
  })
  after(() => rm(dir, { recursive: true }))

  it('is named after its time when nobody names it', () => {
    assert.equal(usualFile(now), 'kosmos-link-20261130T184507Z.tar.gz')
  })

  it('is a file with a folder of its name in it, which takes the place of no other', async () => {
    const file = at('mine.tar.gz')
    await writeArchive(file, files, now)
    assert.match(gunzipSync(await readFile(file)).toString('latin1'), /^mine\/versions\.json\0/)
    assert.equal((await stat(file)).mode & 0o777, 0o600)
    assert.deepEqual(await complaint(writeArchive(file, files, now)), [`${file} exists`, 'give another --file'])
  })

  it('is a folder of files where that is asked for, which was not there or was empty', async () => {
    const folder = at('new/one')
    await writeFolder(folder, files)
    assert.deepEqual((await readdir(folder)).sort(), ['agents', 'versions.json'])
    assert.equal(await readFile(path.join(folder, 'agents/berlin.json'), 'utf8'), '[]')
    assert.equal((await stat(path.join(folder, 'versions.json'))).mode & 0o777, 0o600)
    await rm(path.join(folder, 'versions.json'))
    const refused = [`${folder} is not empty`, 'give another --output-directory']
    assert.deepEqual(await complaint(writeFolder(folder, files)), refused)
    assert.deepEqual(await readdir(folder), ['agents'], 'nothing was written')
  })

  it('says why it cannot be written', async () => {
    const [message, next] = await complaint(writeFolder(at('mine.tar.gz/below'), files))
    assert.match(message ?? '', /mine.tar.gz\/below cannot be written: ENOTDIR/)
    assert.equal(next, 'give another --output-directory')
  })
})
