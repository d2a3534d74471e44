import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createMetrics } from './metrics.ts'

describe('what Prometheus is told', () => {
  it('no longer speaks of a leaf that is gone', async () => {
    const metrics = createMetrics()
    metrics.leafReachable('east', true)
    metrics.leafReachable('west', false)
    metrics.forgetLeaf('east')
    const text = await metrics.registry.metrics()
    assert.doesNotMatch(text, /kosmos_leaf_reachable\{cluster="east"\}/)
    assert.match(text, /kosmos_leaf_reachable\{cluster="west"\} 0/)
  })
})
