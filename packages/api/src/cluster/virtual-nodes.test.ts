import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { virtualNodeModels } from './virtual-nodes.ts'

const named = (...leafModels: Parameters<typeof virtualNodeModels>[1] & object) =>
  virtualNodeModels('east', leafModels).map(({ name }) => name)
const group = (leafNodeName?: string) => ({
  nodeSelector: { labelSelector: {} },
  ...(leafNodeName && { leafNodeName }),
})

describe('the virtual nodes of a Cluster', () => {
  it('are one for the whole leaf when nothing is said', () => {
    assert.deepEqual(virtualNodeModels('east'), [{ name: 'kosmos-east', kind: 'cluster', model: {} }])
    assert.deepEqual(named({}), ['kosmos-east'])
  })

  it('have the name of the leaf node in the node model, and one after the group in the group model', () => {
    assert.deepEqual(named({ nodeSelector: { nodeName: 'worker-1' } }, group('gpu')), ['worker-1', 'kosmos-gpu-0'])
  })

  it('are told apart by a number when groups have the same name, or none', () => {
    assert.deepEqual(named(group('gpu'), group(), group('gpu'), group()), [
      'kosmos-gpu-0',
      'kosmos-east-0',
      'kosmos-gpu-1',
      'kosmos-east-1',
    ])
  })

  it('keep their names when groups of other names come and go', () => {
    const names = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { minLength: 1 })
    fc.assert(
      fc.property(names, fc.nat(), (groups, n) => {
        const kept = groups.filter((_, i) => i !== n % groups.length)
        const before = named(...groups.map(group))
        assert(
          named(...kept.map(group), ...(kept.length ? [] : [{}])).every(
            (name) => before.includes(name) || name === 'kosmos-east',
          ),
        )
      }),
    )
  })
})
