import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { StoredCluster } from '@kosmos/kube'
import { twinsOf } from './twins.ts'

const known = (name: string, creationTimestamp: string, ...nodes: string[]) => ({
  cluster: { metadata: { name, creationTimestamp } } as StoredCluster,
  nodes: new Set(nodes),
})
const names = (clusters: readonly StoredCluster[]) => clusters.map(({ metadata }) => metadata.name)

describe('Clusters that stand for one cluster', () => {
  const paris = known('paris', '2026-11-29T12:00:00Z', 'n1', 'n2')
  const again = known('paris-again', '2026-11-29T13:00:00Z', 'n2', 'n3')
  const rome = known('rome', '2026-11-29T11:00:00Z', 'n9')
  const empty = known('empty', '2026-11-29T11:00:00Z')

  it('are known by a node in common, and the one that was there first counts', () => {
    assert.deepEqual(names(twinsOf(again, [paris, rome, empty]).older), ['paris'])
    assert.deepEqual(names(twinsOf(paris, [again, rome, empty]).younger), ['paris-again'])
    assert.deepEqual(twinsOf(rome, [paris, again, empty]), { older: [], younger: [] })
  })

  it('go by their names when they were made at once', () => {
    const other = known('oslo', '2026-11-29T12:00:00Z', 'n1')
    assert.deepEqual(names(twinsOf(paris, [other]).older), ['oslo'])
    assert.deepEqual(names(twinsOf(other, [paris]).older), [])
  })
})
