import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { leases, nodes, pods, resource } from '../objects/resources.ts'
import { objectPath, pathOf } from './path.ts'

const some = fc.string({ unit: 'binary', minLength: 1 }).filter((text) => text.isWellFormed() && !/^\.\.?$/.test(text))

describe('the path of a request', () => {
  it('follows group, scope and subresource', () => {
    assert.equal(pathOf(pods), '/api/v1/pods')
    assert.equal(pathOf(pods, { namespace: 'shop' }), '/api/v1/namespaces/shop/pods')
    assert.equal(objectPath(nodes, { name: 'n1' }, { subresource: 'status' }), '/api/v1/nodes/n1/status')
    assert.equal(
      objectPath(leases, { namespace: 'kube-node-lease', name: 'n1' }),
      '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/n1',
    )
  })

  it('leaves a namespace out for a kind that has none', () => {
    assert.equal(objectPath(nodes, { namespace: 'shop', name: 'n1' }), '/api/v1/nodes/n1')
  })

  it('escapes every part, so that no name can reach another path or add a query', () => {
    fc.assert(
      fc.property(some, some, some, (namespace, name, labelSelector) => {
        const path = objectPath(pods, { namespace, name }, { query: { labelSelector, watch: true, absent: undefined } })
        const url = new URL(path, 'https://server')
        const parts = url.pathname.split('/')
        assert.deepEqual(parts.slice(0, 4), ['', 'api', 'v1', 'namespaces'])
        assert.deepEqual([parts[4], parts[6]].map(decodeURIComponent as (part?: string) => string), [namespace, name])
        assert.equal(parts.length, 7)
        assert.deepEqual(
          [...url.searchParams],
          [
            ['labelSelector', labelSelector],
            ['watch', 'true'],
          ],
        )
        assert.equal(url.hash, '')
      }),
    )
  })

  it('is never that of the whole collection when a name is empty, for a DELETE of that deletes everything', () => {
    assert.throws(() => objectPath(pods, { namespace: 'shop', name: '' }), TypeError)
    assert.throws(() => objectPath(nodes, { name: '' }), TypeError)
  })

  it('is never that of all namespaces when a namespace is empty or missing', () => {
    assert.throws(() => objectPath(pods, { name: 'web' }), /Pod web: a namespace is needed/)
    assert.throws(() => pathOf(pods, { namespace: '' }), TypeError)
  })
})

describe('a resource', () => {
  it('is declared as a manifest writes its apiVersion', () => {
    const { group, version } = resource('apps/v1', 'Deployment', 'deployments', 'Namespaced')
    assert.deepEqual([group, version], ['apps', 'v1'])
    assert.equal(resource('v1', 'Pod', 'pods', 'Namespaced').group, '')
  })
})
