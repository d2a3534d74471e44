import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type LeafModel, virtualNodeModels } from '@kosmos/api'
import { membership } from './membership.ts'

const home = (name: string, labels: Readonly<Record<string, string>>, ...models: readonly LeafModel[]) =>
  membership(virtualNodeModels('east', models)).homeOf({ metadata: { name, uid: name, resourceVersion: '1', labels } })
const group = (leafNodeName: string, matchLabels: Readonly<Record<string, string>>): LeafModel => ({
  leafNodeName,
  nodeSelector: { labelSelector: { matchLabels } },
})

describe('a leaf node', () => {
  it('is part of the one virtual node of its leaf, when nothing else is said', () => {
    assert.equal(home('n1', {}), 'kosmos-east')
  })

  it('is part of its own virtual node, else of that of its group, else of none', () => {
    const models = [group('gpu', { pool: 'gpu' }), { nodeSelector: { nodeName: 'n1' } }]
    assert.equal(home('n1', { pool: 'gpu' }, ...models), 'n1')
    assert.equal(home('n2', { pool: 'gpu' }, ...models), 'kosmos-gpu-0')
    assert.equal(home('n3', {}, ...models), undefined)
  })
})
