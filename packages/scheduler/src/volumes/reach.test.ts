import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { PersistentVolume, PersistentVolumeClaim } from '@kosmos/kube'
import type { SeenClaim } from './claims.ts'
import { reachOf } from './reach.ts'

const inCluster = (...values: string[]) => ({ key: 'kosmos.io/cluster', operator: 'In', values })
const volume = (...nodeSelectorTerms: object[]) =>
  ({
    metadata: { name: 'pv' },
    spec: { nodeAffinity: { required: { nodeSelectorTerms } } },
  }) as unknown as PersistentVolume
const claim = (spec: object, annotations = {}) =>
  ({ metadata: { name: 'data', annotations }, spec }) as unknown as PersistentVolumeClaim
const bound = claim({ volumeName: 'pv' })
const seen = (parts: Partial<SeenClaim>): SeenClaim => ({
  name: 'data',
  claim: undefined,
  volume: undefined,
  storageClass: undefined,
  ...parts,
})

describe('where the volumes of a pod can be had', () => {
  it('is where all of them are', () => {
    const claims = ['leaf1', 'leaf2'].map((name) =>
      seen({ claim: bound, volume: volume({ matchExpressions: [inCluster(name)] }) }),
    )
    assert.deepEqual(reachOf(claims), { matchExpressions: [inCluster('leaf1'), inCluster('leaf2')], matchFields: [] })
  })

  it('is the node for which one is being made', () => {
    const begun = claim({ storageClassName: 'fast' }, { 'volume.kubernetes.io/selected-node': 'kosmos-leaf2' })
    const matchFields = [{ key: 'metadata.name', operator: 'In', values: ['kosmos-leaf2'] }]
    assert.deepEqual(reachOf([seen({ claim: begun })]), { matchExpressions: [], matchFields })
  })

  it('is anywhere without claims, without volumes, and where volumes say nothing or this or that', () => {
    const here = { matchExpressions: [inCluster('leaf1')] }
    const there = { matchExpressions: [inCluster('leaf2')] }
    const nothing = [
      seen({}),
      seen({ claim: claim({}) }),
      seen({ claim: bound }),
      seen({ claim: bound, volume: volume() }),
    ]
    assert.equal(reachOf([]), undefined)
    for (const one of [...nothing, seen({ claim: bound, volume: volume(here, there) })]) {
      assert.equal(reachOf([one]), undefined)
    }
  })
})
