import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { KubeObject } from '@kosmos/kube'
import { FreshContents } from './fresh-contents.ts'

const settings = (value: string, kind = 'ConfigMap') =>
  ({ apiVersion: 'v1', kind, metadata: { name: 'settings' }, data: { value } }) as KubeObject
const key = 'configmaps/shop/settings'

describe('contents that changes have brought', () => {
  it('are given away once, the last that came', () => {
    const fresh = new FreshContents()
    const last = settings('second')
    fresh.keep(key, settings('first'))
    fresh.keep(key, last)
    assert.equal(fresh.take(key), last)
    assert.equal(fresh.take(key), undefined)
  })

  it('are not held when they are large, nor is what was held before', () => {
    const fresh = new FreshContents()
    fresh.keep(key, settings('small'))
    fresh.keep(key, settings('x'.repeat(20_000)))
    assert.equal(fresh.take(key), undefined)
  })

  it('are not metadata alone', () => {
    const fresh = new FreshContents()
    fresh.keep(key, settings('', 'PartialObjectMetadata'))
    assert.equal(fresh.take(key), undefined)
  })

  it('are held of so many objects and no more, and of others again when those are copied', () => {
    const fresh = new FreshContents()
    for (let i = 0; i < 1_000; i++) fresh.keep(`${key}-${i}`, settings('x'))
    fresh.keep(key, settings('one too many'))
    assert.equal(fresh.take(key), undefined)
    fresh.take(`${key}-0`)
    fresh.keep(key, settings('as many'))
    assert.notEqual(fresh.take(key), undefined)
  })
})
