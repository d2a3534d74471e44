import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { parseWatchEvent } from './event.ts'

const pod = { kind: 'Pod', metadata: { name: 'web', namespace: 'shop', uid: 'u1', resourceVersion: '7' } }
const frame = (type: string, object: unknown) => Buffer.from(JSON.stringify({ type, object }))

describe('a frame of a watch', () => {
  it('is a change for ADDED and MODIFIED alike, with the version to resume from', () => {
    for (const type of ['ADDED', 'MODIFIED']) {
      assert.deepEqual(parseWatchEvent(frame(type, pod)), { type: 'changed', object: pod, resourceVersion: '7' })
    }
  })

  it('is a deletion with the last state of the object', () => {
    assert.deepEqual(parseWatchEvent(frame('DELETED', pod)), { type: 'deleted', object: pod, resourceVersion: '7' })
  })

  it('is a bookmark, which closes a streaming list only when it says so', () => {
    const bookmark = (annotations?: object) =>
      parseWatchEvent(frame('BOOKMARK', { kind: 'Pod', metadata: { resourceVersion: '9', annotations } }))
    assert.deepEqual(bookmark(), { type: 'bookmark', resourceVersion: '9', initialEventsEnd: false })
    assert.equal(
      (bookmark({ 'k8s.io/initial-events-end': 'false' }) as { initialEventsEnd?: boolean }).initialEventsEnd,
      false,
    )
    assert.deepEqual(bookmark({ 'k8s.io/initial-events-end': 'true' }), {
      type: 'bookmark',
      resourceVersion: '9',
      initialEventsEnd: true,
    })
  })

  it('is an error with the Status that the API server gave', () => {
    const status = { kind: 'Status', code: 410, reason: 'Expired', message: 'too old resource version: 1 (5)' }
    assert.deepEqual(parseWatchEvent(frame('ERROR', status)), { type: 'error', status })
  })

  it('ends the watch when it carries no version to resume from', () => {
    for (const object of [undefined, null, {}, { metadata: {} }, { metadata: { resourceVersion: '' } }]) {
      for (const type of ['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK']) {
        assert.equal(parseWatchEvent(frame(type, object)).type, 'error')
      }
    }
  })

  it('ends the watch when it is cut short or of an unknown type, and never repeats its content', () => {
    const whole = frame('ADDED', { ...pod, data: { password: 'hunter2' } })
    for (let length = 1; length < whole.length; length++) {
      const event = parseWatchEvent(whole.subarray(0, length))
      assert.equal(event.type, 'error')
      assert.doesNotMatch(JSON.stringify(event), /hunter2/)
    }
    assert.equal(parseWatchEvent(frame('MOVED', pod)).type, 'error')
  })

  it('never throws, whatever JSON it is', () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), (line) => {
        assert.ok(['changed', 'deleted', 'bookmark', 'error'].includes(parseWatchEvent(Buffer.from(line)).type))
      }),
    )
    fc.assert(
      fc.property(fc.constantFrom('ADDED', 'DELETED', 'BOOKMARK', 'ERROR'), fc.jsonValue(), (type, object) => {
        assert.ok(['changed', 'deleted', 'bookmark', 'error'].includes(parseWatchEvent(frame(type, object)).type))
      }),
    )
  })
})
