import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Node } from '@kosmos/kube'
import { isNodeOf, leafIdOf } from './ownership.ts'
import { virtualNode } from './template.ts'

const { metadata } = virtualNode(
  { name: 'kosmos-east', kind: 'cluster', model: {} },
  { clusterName: 'east', leafId: 'leaf-1' },
  { members: [] },
)
const node = (labels: Readonly<Record<string, string>>, annotations: Readonly<Record<string, string>>) =>
  ({ metadata: { name: 'kosmos-east', uid: 'u', resourceVersion: '1', labels, annotations } }) as Node
const without = (map: Readonly<Record<string, string>>, key: string) =>
  Object.fromEntries(Object.entries(map).filter(([each]) => each !== key))

describe('a node of the root', () => {
  it('is a virtual node of the Cluster that it was made for, and of no other', () => {
    const made = node(metadata.labels, metadata.annotations)
    assert(isNodeOf(made, 'east'))
    assert(!isNodeOf(made, 'west'))
    assert.equal(leafIdOf(made), 'leaf-1')
  })

  it('is still known as ours when somebody takes any one label or annotation away', () => {
    for (const key of Object.keys(metadata.labels)) {
      assert(isNodeOf(node(without(metadata.labels, key), metadata.annotations), 'east'), key)
    }
    for (const key of Object.keys(metadata.annotations)) {
      assert(isNodeOf(node(metadata.labels, without(metadata.annotations, key)), 'east'), key)
    }
  })

  it('is nobody’s when it only has the name', () => {
    assert(!isNodeOf(node({}, {}), 'east'))
    assert(!isNodeOf({ metadata: { name: 'kosmos-east', uid: 'u', resourceVersion: '1' } }, 'east'))
  })

  it('is not ours when the original Kosmos made it, whose label and annotation are the same', () => {
    const original = node(
      { 'kosmos.io/node': 'true' },
      { 'kosmos-io/owned-by-cluster': 'east', leafNodeMode: 'one2cluster' },
    )
    assert(!isNodeOf(original, 'east'))
  })
})
