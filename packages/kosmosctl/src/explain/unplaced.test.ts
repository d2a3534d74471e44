import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { unscheduled } from './unplaced.ts'

describe('a pod that the root’s scheduler finds no node for', () => {
  const conditions = [{ type: 'PodScheduled', status: 'False', message: '0/2 nodes are available' }] as never
  const metadata = { name: 'db', namespace: 'shop', uid: 'u', resourceVersion: '1' }

  it('is explained by the scheduler’s words', () => {
    assert.match(unscheduled({ metadata, status: { conditions } }), /not bound it to a node: 0\/2 nodes are available$/)
    assert.match(unscheduled({ metadata }), /not bound it to a node$/)
  })

  it('is explained by the DistributionPolicy as well that says where it may go', () => {
    const annotations = { 'kosmos.io/distribution-policy': 'DistributionPolicy shop/shop, term own' }
    const why = unscheduled({ metadata: { ...metadata, annotations }, status: { conditions } })
    assert.match(why, /where it may go says DistributionPolicy shop\/shop, term own: 0\/2 nodes/)
  })
})
