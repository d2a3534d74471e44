import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isNewEnough, versionOf } from './version.ts'

describe('the version of CoreDNS', () => {
  it('is what its image says', () => {
    assert.equal(versionOf('registry.k8s.io/coredns/coredns:v1.14.7'), '1.14.7')
    assert.equal(versionOf('registry:5000/rancher/mirrored-coredns-coredns:1.12.0@sha256:00'), '1.12.0')
    assert.equal(versionOf('registry:5000/coredns:latest'), undefined)
  })

  it('has to be one that knows the option', () => {
    assert.deepEqual(['1.12.1', '1.9.9', '0.99.99'].map(isNewEnough), [false, false, false])
    assert.deepEqual(['1.12.2', '1.12.10', '1.13.0', '2.0.0'].map(isNewEnough), [true, true, true, true])
  })
})
