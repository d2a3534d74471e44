import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { linkedFacts, now } from '../network/facts.fixture.ts'
import { demandOf, type RotationWish } from './demand.ts'

const facts = linkedFacts([{ name: 'berlin' }, { name: 'paris' }])
const demanded = (wish: Partial<RotationWish>, at = now, keysRequestedAt?: string) => {
  const nodes = facts.clusters.flatMap((cluster) => cluster.nodes)
  const known = nodes.map((node) => ({ ...node, spec: { ...node.spec, ...(keysRequestedAt && { keysRequestedAt }) } }))
  const clusters = facts.clusters.map(({ cluster }) => cluster)
  const { targets, keysFromBefore } = demandOf(clusters, known, { clusters: [], nodes: [], ...wish }, at)
  return { clusters: targets.clusters, nodes: targets.nodes.map(({ metadata }) => metadata.name), keysFromBefore }
}

describe('a demand for new keys', () => {
  it('is about all linked clusters, those that are named, or nodes of one', () => {
    const keysFromBefore = '2026-11-29T12:00:00.000Z'
    assert.deepEqual(demanded({}), { clusters: ['berlin', 'paris'], nodes: [], keysFromBefore })
    assert.deepEqual(demanded({ clusters: ['paris'] }).clusters, ['paris'])
    const ofNode = demanded({ clusters: ['paris'], nodes: ['n2'] })
    assert.deepEqual([ofNode.clusters, ofNode.nodes], [[], ['paris-n2']])
  })

  it('says so when no cluster is linked', () => {
    assert.throws(() => demandOf([], [], { clusters: [], nodes: [] }, now), /no cluster is linked/)
  })

  it('says what there is when a name is not', () => {
    assert.throws(() => demanded({ clusters: ['rome'] }), /no linked Cluster "rome"/)
    assert.throws(() => demanded({ clusters: ['paris'], nodes: ['n9'] }), /paris has no node "n9"/)
  })

  it('is later than the keys that there are, whatever the clock here says', () => {
    const keysRequestedAt = '2026-11-29T13:00:00.000Z'
    assert.equal(demanded({}, now, keysRequestedAt).keysFromBefore, '2026-11-29T13:00:00.001Z')
  })
})
