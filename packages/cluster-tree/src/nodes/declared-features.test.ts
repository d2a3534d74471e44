import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Node } from '@kosmos/kube'
import fc from 'fast-check'
import { declaredFeatures } from './declared-features.ts'

const leafNode = (features: readonly string[] | undefined) =>
  ({
    metadata: { name: 'n', uid: 'u', resourceVersion: '1' },
    status: { ...(features && { declaredFeatures: features }) },
  }) as unknown as Node

describe('the features that a virtual node declares', () => {
  it('are those of all its leaf nodes', () => {
    const nodes = [leafNode(['B', 'C', 'A/One']), leafNode(['A/One', 'B']), leafNode(['A/One', 'B', 'D'])]
    assert.deepEqual(declaredFeatures(nodes, 'v1.30.4'), ['A/One', 'B'])
    assert.deepEqual(declaredFeatures([...nodes, leafNode(undefined)], 'v1.30.4'), [])
  })

  it('have streams by WebSocket when the API server of the leaf speaks that, whatever its kubelets do', () => {
    const streams = ['ExtendWebSocketsToKubelet']
    assert.deepEqual(declaredFeatures([], 'v1.31.0'), streams)
    assert.deepEqual(declaredFeatures([leafNode([])], 'v1.37.2+k3s1'), streams)
    assert.deepEqual(declaredFeatures([leafNode(streams)], 'v1.30.9'), [])
    assert.deepEqual(declaredFeatures([leafNode(streams)], 'unknown'), [])
  })

  it('are sorted, each once, as the API demands', () => {
    const features = fc.array(fc.constantFrom('A', 'B', 'ExtendWebSocketsToKubelet', 'Z', 'a'))
    fc.assert(
      fc.property(fc.array(features), fc.constantFrom('v1.30.0', 'v1.37.0'), (nodes, version) => {
        const declared = declaredFeatures(nodes.map(leafNode), version)
        for (const [i, name] of declared.entries()) assert.ok(i === 0 || (declared[i - 1] ?? '') < name)
      }),
    )
  })
})
