import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ApiError, statusOf } from './errors.ts'

describe('what an API server says against a request', () => {
  it('is told in its words', () => {
    const status = { kind: 'Status', code: 409, reason: 'Conflict', message: 'the object has been modified' }
    assert.equal(statusOf(409, status), status)
    assert.deepEqual(statusOf(502, ' Bad gateway\n'), { code: 502, status: 'Failure', message: 'Bad gateway' })
    for (const body of ['', undefined, null, [], {}, 7])
      assert.deepEqual(statusOf(500, body), { code: 500, status: 'Failure' })
  })

  it('is told in a few kilobytes, however long it is: it goes into conditions, which would be refused, and into every log line', () => {
    const message = 'x'.repeat(30 << 20)
    const request = { method: 'GET', path: '/readyz' }
    for (const body of [{ kind: 'Status', code: 403, reason: 'Forbidden', message }, message]) {
      assert.ok(new ApiError('leaf', request, 403, statusOf(403, body)).message.length < 5_000)
    }
  })
})
