import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { judgedLink } from '../check/check.ts'
import { linkedFacts } from '../network/facts.fixture.ts'
import type { LinkFacts } from '../network/facts.ts'
import { archive } from './archive.ts'
import { bundleContents } from './contents.ts'

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
