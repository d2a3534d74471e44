import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Cluster } from '@kosmos/api'
import type { KubeObject } from '@kosmos/kube'
import { hasApiAccess, type Need, stateInLeaf, waitsFor } from './needs.ts'

const root: KubeObject = { metadata: { name: 'a', uid: 'u-1', resourceVersion: '5' } }
const copy = (uid: string, version: string, id = 'root-1'): KubeObject => ({
  metadata: {
    name: 'a',
    labels: { 'kosmos.io/root-cluster': id },
    annotations: { 'kosmos.io/root-uid': uid, 'kosmos.io/root-resource-version': version },
  },
})
const byVersion = { rootId: 'root-1', byVersion: true }

describe('what a leaf has of an object', () => {
  it('is current when it shows the root’s version of the same incarnation', () => {
    assert.equal(stateInLeaf(root, copy('u-1', '5'), byVersion), 'current')
    assert.equal(stateInLeaf(root, copy('u-1', '4'), byVersion), 'outdated')
    assert.equal(stateInLeaf(root, copy('u-0', '5'), byVersion), 'outdated')
  })

  it('is current whatever the version where copies show none', () => {
    assert.equal(stateInLeaf(root, copy('u-1', '4'), { ...byVersion, byVersion: false }), 'current')
  })

  it('is missing, or somebody else’s', () => {
    assert.equal(stateInLeaf(root, undefined, byVersion), 'missing')
    assert.equal(stateInLeaf(root, copy('u-1', '5', 'root-2'), byVersion), 'foreign')
  })
})

describe('a pod in a leaf', () => {
  it('has API access as its copy was made, and without a copy as the Cluster says', () => {
    const cluster = (rootAPIServer?: string) => ({ spec: { clusterTreeOptions: { rootAPIServer } } }) as Cluster
    const [silent, telling] = [cluster(), cluster('https://root.example:6443')]
    const withTokens = { metadata: { name: 'a', annotations: { 'kosmos.io/token-secret': 'kosmos-tokens-u-1' } } }
    const of = (copy?: KubeObject) => [silent, telling].map((one) => hasApiAccess(one, copy))
    assert.deepEqual(of(), [false, true])
    assert.deepEqual(of(withTokens), [true, true])
    assert.deepEqual(of({ metadata: { name: 'a' } }), [false, false])
  })
})

describe('what a pod waits for', () => {
  const need = (parts: Partial<Need>): Need => ({
    kind: 'ConfigMap',
    name: 'a',
    optional: false,
    usedBy: [],
    root: 'present',
    leaf: 'current',
    ...parts,
  })

  it('is what is missing in the root or not yet in the leaf, unless it can do without', () => {
    assert.deepEqual(waitsFor([need({})]), [])
    assert.deepEqual(waitsFor([need({ root: 'missing', leaf: 'missing' })]), ['ConfigMap a does not exist in the root'])
    assert.deepEqual(waitsFor([need({ root: 'missing', leaf: 'missing', optional: true })]), [])
    assert.deepEqual(waitsFor([need({ leaf: 'outdated' })]), ['ConfigMap a is not in the leaf yet'])
    assert.deepEqual(waitsFor([need({ leaf: 'foreign' })]), ["the leaf has a ConfigMap a that is not this root's"])
  })

  it('is no Service that the leaf has, whosoever it is, and nothing that is made for it, which its status tells of', () => {
    assert.deepEqual(waitsFor([need({ kind: 'Service', leaf: 'foreign' })]), [])
    assert.deepEqual(waitsFor([need({ kind: 'Service', leaf: 'missing' })]), ['Service a is not in the leaf yet'])
    for (const kind of ['Tokens', 'TrustBundles', 'Certificate'] as const)
      assert.deepEqual(waitsFor([need({ kind, root: 'not needed', leaf: 'missing' })]), [])
  })
})
