import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Node } from '@kosmos/kube'
import { tunnelDistribution } from './distribution.ts'

const node = (labels: object, annotations: object = {}) =>
  ({ metadata: { name: 'n', labels, annotations } }) as never as Node

describe('a root that reaches nodes through a tunnel', () => {
  it('is known by its version', () => {
    assert.equal(tunnelDistribution('v1.33.1+k3s1', []), 'k3s')
    assert.equal(tunnelDistribution('v1.33.1+rke2r1', []), 'RKE2')
    assert.equal(tunnelDistribution('v1.37.2', [node({})]), undefined)
  })

  it('is known by what it writes on its nodes', () => {
    assert.equal(tunnelDistribution('v1.37.2', [node({ 'node.kubernetes.io/instance-type': 'k3s' })]), 'k3s')
    assert.equal(tunnelDistribution('v1.37.2', [node({ 'node.kubernetes.io/instance-type': 'rke2' })]), 'RKE2')
    assert.equal(tunnelDistribution('v1.37.2', [node({}, { 'k3s.io/hostname': 'a' })]), 'k3s')
    assert.equal(tunnelDistribution('v1.37.2', [node({}, { 'rke2.io/node-args': '[]', 'k3s.io/x': '' })]), 'RKE2')
  })
})
