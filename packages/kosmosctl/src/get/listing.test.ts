import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { explain } from '../terminal/explain.ts'
import { type Listing, listingNames, listingTable } from './listing.ts'
import { onlyNamed } from './named.ts'

const listing: Listing = {
  items: [
    { apiVersion: 'kosmos.io/v1alpha1', kind: 'Cluster', metadata: { name: 'paris' } },
    { apiVersion: 'v1', kind: 'Node', metadata: { name: 'kosmos-rome' } },
  ],
  head: ['name'],
  wide: [],
  rows: [
    { cells: ['paris'], wide: [] },
    { cells: ['kosmos-rome'], wide: [] },
  ],
}

describe('kosmosctl get', () => {
  it('prints names as kubectl -o name does', () => {
    assert.equal(listingNames(listing), 'cluster.kosmos.io/paris\nnode/kosmos-rome')
  })

  it('lists only what has one of the names', () => {
    const one = onlyNamed(listing, 'clusters', ['kosmos-rome'])
    assert.equal(listingNames(one), 'node/kosmos-rome')
    assert.equal(listingTable(one, false), 'NAME\nkosmos-rome')
    assert.deepEqual(onlyNamed(listing, 'clusters', []), listing)
  })

  it('fails for a name that nothing has', () => {
    assert.throws(
      () => onlyNamed(listing, 'clusters', ['paris', 'oslo']),
      (error) => {
        const { message, next } = explain(error)
        assert.equal(message, 'there are no clusters named "oslo"')
        assert.equal(next, 'kosmosctl get clusters lists those that there are')
        return true
      },
    )
  })
})
