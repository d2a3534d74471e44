import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { StoredPolicy } from '@kosmos/scheduler'
import { applied, appliedOver } from './applied.ts'

const policy = (name: string, metadata: object = {}, status?: object): StoredPolicy =>
  ({
    metadata: { namespace: 'shop', name, uid: `uid-of-${name}`, resourceVersion: '1', ...metadata },
    spec: {},
    ...(status && { status }),
  }) as StoredPolicy

describe('policies of a manifest, as if they were in the root', () => {
  const inRoot = [policy('old', { creationTimestamp: '2026-01-01T00:00:00Z' }, { refusals: [] }), policy('other')]

  it('are younger than those that are there, which decide where both select a pod', () => {
    const [old, other, fresh] = applied(inRoot, [policy('a-new-one')], '2026-02-01T00:00:00Z')
    assert.deepEqual([old, other], inRoot)
    assert.equal(fresh?.metadata.creationTimestamp, '2026-02-01T00:00:00Z')
  })

  it('are no other kind of policy of the same name', () => {
    const kinds = ['DistributionPolicy', 'ClusterDistributionPolicy']
    const [one, other] = kinds.map((kind) => ({ ...policy('shop'), kind }) as unknown as StoredPolicy)
    assert(one && other)
    assert.equal(applied([one], [other], '2026-02-01T00:00:00Z').length, 2)
  })

  it('take the place of those of their name, and keep their age and what is known of their pods', () => {
    const changed = {
      ...policy('old', { uid: 'simulated', creationTimestamp: '2020-01-01T00:00:00Z' }),
      spec: { a: 1 },
    }
    const [other, old] = applied(inRoot, [changed as unknown as StoredPolicy], '2026-02-01T00:00:00Z')
    assert.equal(other?.metadata.name, 'other')
    assert.deepEqual(
      [old?.metadata.creationTimestamp, old?.spec, old?.status],
      ['2026-01-01T00:00:00Z', { a: 1 }, { refusals: [] }],
    )
  })
})

describe('a quota of a manifest, as if it were in the root', () => {
  it('takes the place of the one of its name', () => {
    const quota = (name: string, spec: object) => ({ metadata: { namespace: 'shop', name }, spec })
    const [small, large, other] = [quota('a', { pods: 1 }), quota('a', { pods: 9 }), quota('b', {})]
    assert.deepEqual(appliedOver([small, other], [large]), [other, large])
  })
})
