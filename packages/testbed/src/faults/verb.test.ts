import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { verbOf } from './verb.ts'

describe('the verb of a request', () => {
  const cases: [method: string, path: string, verb: string][] = [
    ['GET', '/api/v1/pods?limit=500', 'LIST'],
    ['GET', '/api/v1/namespaces/a/pods', 'LIST'],
    ['GET', '/api/v1/namespaces', 'LIST'],
    ['GET', '/api/v1/namespaces/a', 'GET'],
    ['GET', '/api/v1/namespaces/a/pods/p', 'GET'],
    ['GET', '/api/v1/namespaces/a/pods/p/log?follow=true', 'GET'],
    ['GET', '/api/v1/pods?watch=1&resourceVersion=5', 'WATCH'],
    ['GET', '/api/v1/pods?watch=true&sendInitialEvents=true', 'WATCHLIST'],
    ['GET', '/api/v1/pods?watch=false', 'LIST'],
    ['GET', '/apis/apps/v1/namespaces/a/deployments', 'LIST'],
    ['POST', '/api/v1/namespaces/a/pods', 'CREATE'],
    ['POST', '/api/v1/namespaces/a/pods/p/exec?command=ls', 'CONNECT'],
    ['GET', '/api/v1/nodes/n/proxy/metrics', 'CONNECT'],
    ['PUT', '/api/v1/namespaces/a/finalize', 'UPDATE'],
    ['PATCH', '/api/v1/namespaces/a/pods/p/status', 'PATCH'],
    ['DELETE', '/api/v1/namespaces/a/pods/p', 'DELETE'],
    ['DELETE', '/api/v1/namespaces/a/pods', 'DELETECOLLECTION'],
    ['GET', '/version', 'OTHER'],
    ['GET', '/apis/apps/v1', 'OTHER'],
  ]
  for (const [method, path, verb] of cases) {
    it(`of ${method} ${path} is ${verb}`, () => assert.equal(verbOf(method, path), verb))
  }
})
