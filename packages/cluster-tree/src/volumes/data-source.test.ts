import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { PersistentVolumeClaim } from '@kosmos/kube'
import { awaitedSource, dataSourceOf } from './data-source.ts'

const of = (spec: object) => dataSourceOf({ metadata: {}, spec } as PersistentVolumeClaim)

describe('what a volume is to be filled with', () => {
  it('is nothing, or the content of another claim', () => {
    assert.deepEqual(of({}), { kind: 'none' })
    const dataSource = { kind: 'PersistentVolumeClaim', name: 'gold' }
    assert.deepEqual(of({ dataSource }), { kind: 'claim', name: 'gold' })
    assert.deepEqual(of({ dataSource, dataSourceRef: { ...dataSource, apiGroup: '' } }), {
      kind: 'claim',
      name: 'gold',
    })
  })

  it('may be what leaves do not offer: a snapshot, a populator, a claim of another namespace', () => {
    const snapshot = { kind: 'VolumeSnapshot', name: 'monday', apiGroup: 'snapshot.storage.k8s.io' }
    assert.deepEqual(of({ dataSource: snapshot }), { kind: 'unsupported' })
    const elsewhere = { kind: 'PersistentVolumeClaim', name: 'gold', namespace: 'bank' }
    assert.deepEqual(of({ dataSourceRef: elsewhere }), { kind: 'unsupported' })
  })
})

describe('the claim that another is to be a clone of', () => {
  const dataSource = { kind: 'PersistentVolumeClaim', name: 'gold' }
  const claim = (spec: object) => ({ metadata: { namespace: 'bank' }, spec }) as PersistentVolumeClaim

  it('is waited for until there is a volume', () => {
    assert.equal(awaitedSource(claim({ dataSource })), 'bank/gold')
    assert.equal(awaitedSource(claim({ dataSource, volumeName: 'v' })), undefined)
    assert.equal(awaitedSource(claim({})), undefined)
  })
})
