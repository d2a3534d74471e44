import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { attributesOf, pathOf } from './attributes.ts'

const rights = (method: string, path: string) => {
  const { verb, subresources } = attributesOf(method, path)
  return `${verb} ${subresources.join(',')}`
}

describe('the rights that a request to a kubelet demands', () => {
  it('are upstream’s for every path', () => {
    const table: Record<string, string> = {
      '/pods': 'pods,proxy',
      '/pods/': 'pods,proxy',
      '/allocatedPods': 'pods,proxy',
      '/allocatedPods/ns/pod': 'pods,proxy',
      '/runningpods/': 'pods,proxy',
      '/healthz': 'healthz,proxy',
      '/healthz/syncloop': 'healthz,proxy',
      '/configz': 'configz,proxy',
      '/flagz': 'configz',
      '/statusz': 'statusz',
      '/stats/summary': 'stats',
      '/metrics': 'metrics',
      '/metrics/cadvisor': 'metrics',
      '/logs/': 'log',
      '/logs/syslog': 'log',
      '/checkpoint/ns/pod/c': 'checkpoint',
      '/containerLogs/ns/pod/c': 'proxy',
      '/debug/pprof/heap': 'proxy',
      '/debug/flags/v': 'proxy',
      '/': 'proxy',
      '': 'proxy',
      '/podsecrets': 'proxy',
      '/PODS': 'proxy',
      '//pods': 'proxy',
      '/metricsx': 'proxy',
      '/nowhere': 'proxy',
    }
    for (const [path, subresources] of Object.entries(table))
      assert.equal(rights('GET', path), `get ${subresources}`, path)
  })

  it('follow the method', () => {
    const verbs = {
      GET: 'get',
      POST: 'create',
      PUT: 'update',
      PATCH: 'patch',
      DELETE: 'delete',
      HEAD: '',
      OPTIONS: '',
      X: '',
    }
    for (const [method, verb] of Object.entries(verbs)) assert.equal(rights(method, '/pods'), `${verb} pods,proxy`)
    for (const method of ['constructor', 'toString', '__proto__', ''])
      assert.equal(rights(method, '/pods'), ' pods,proxy')
  })

  it('are those of an act for exec, attach, run and port-forward, also when a WebSocket opens them by GET', () => {
    for (const path of ['/exec/a/b/c', '/attach/a/b/c', '/run/a/b/c', '/portForward/a/b', '/exec', '/exec/']) {
      for (const method of ['GET', 'POST', 'HEAD']) assert.equal(rights(method, path), 'create proxy')
    }
  })

  it('are some for any method and path', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (method, path) => {
        assert.ok(attributesOf(method, path).subresources.length > 0)
      }),
    )
  })
})

describe('the path of a request target', () => {
  it('is decoded once and ends at the query', () => {
    assert.equal(pathOf('/exec/a/b%2Fc?x=/stats'), '/exec/a/b/c')
    assert.equal(pathOf('/%65xec/a'), '/exec/a')
    assert.equal(pathOf('/%2565xec'), '/%65xec')
    assert.equal(pathOf('/stats#/exec'), '/stats')
    assert.equal(pathOf('/%zz'), undefined)
    assert.equal(pathOf('/%ff'), undefined)
  })
})
