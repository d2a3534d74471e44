import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { configMaps, type Resource } from '../objects/resources.ts'
import { createProcessMetrics, verbOf } from './metrics.ts'

describe('the verb of a request', () => {
  const verbs: Readonly<Record<string, string>> = {
    'GET /api/v1/pods': 'list',
    'GET /api/v1/pods?limit=500&labelSelector=a%3Db': 'list',
    'GET /api/v1/namespaces/shop/pods': 'list',
    'GET /api/v1/namespaces': 'list',
    'GET /apis/kosmos.io/v1alpha1/clusters?limit=500': 'list',
    'GET /apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases': 'list',
    'GET /api/v1/pods?watch=1&labelSelector=a': 'watch',
    'GET /api/v1/pods?labelSelector=a&watch=1': 'watch',
    'GET /api/v1/nodes/n1': 'get',
    'GET /api/v1/namespaces/kube-system': 'get',
    'GET /api/v1/namespaces/shop/pods/web': 'get',
    'GET /api/v1/namespaces/shop/pods/web/log?follow=true': 'get',
    'GET /apis/kosmos.io/v1alpha1/clusters/east': 'get',
    'GET /readyz': 'get',
    'GET /version': 'get',
    'POST /api/v1/namespaces/shop/pods': 'post',
    'PATCH /api/v1/namespaces/shop/pods/web/status': 'patch',
    'DELETE /api/v1/namespaces/shop/pods/web': 'delete',
  }
  for (const [request, verb] of Object.entries(verbs)) {
    it(`${request} is ${verb}`, () => {
      const [method = '', path = ''] = request.split(' ')
      assert.equal(verbOf(method, path), verb)
    })
  }
})

describe('what Prometheus is told', () => {
  it('counts requests by cluster, verb and code', async () => {
    const metrics = createProcessMetrics()
    const { plural } = configMaps as Resource
    const observation = { method: 'GET', path: `/api/v1/${plural}?limit=500`, code: 200, seconds: 0.1 }
    metrics.request('east', observation)
    metrics.request('east', observation)
    const text = await metrics.registry.metrics()
    assert.match(text, /kosmos_api_requests_total\{cluster="east",verb="list",code="200"\} 2/)
  })

  it('tells reconciles that failed from those that did not', async () => {
    const metrics = createProcessMetrics()
    metrics.reconcile('east', { controller: 'pods', key: 'n/p', seconds: 0.1, error: new Error('no') })
    const text = await metrics.registry.metrics()
    assert.match(text, /kosmos_reconcile_duration_seconds_count\{[^}]*result="error"[^}]*\} 1/)
    assert.doesNotMatch(text, /n\/p/)
  })
})
