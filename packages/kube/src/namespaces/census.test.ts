import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { comesByItself } from './census.ts'

describe('a namespace that is looked through', () => {
  it('counts as empty with what Kubernetes puts into every one', () => {
    assert.ok(comesByItself({ plural: 'serviceaccounts' }, { metadata: { name: 'default' } }))
    assert.ok(comesByItself({ plural: 'configmaps' }, { metadata: { name: 'kube-root-ca.crt' } }))
    assert.ok(comesByItself({ plural: 'events' }, { metadata: { name: 'x.17' } }))
    assert.ok(!comesByItself({ plural: 'serviceaccounts' }, { metadata: { name: 'app' } }))
    assert.ok(!comesByItself({ plural: 'configmaps' }, { metadata: { name: 'app' } }))
    assert.ok(!comesByItself({ plural: 'secrets' }, { metadata: { name: 'default' } }))
  })
})
