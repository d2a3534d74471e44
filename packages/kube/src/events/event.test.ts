import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { Event } from '../objects/types.ts'
import { cutNote, eventRef, newEvent } from './event.ts'

const reporter = { controller: 'kosmos.io/test', instance: 'x'.repeat(200) }
const content = { type: 'Normal', reason: 'Synced', action: 'Sync', note: 'done' } as const
const make = (ref: Parameters<typeof newEvent>[0]) => newEvent(ref, content, reporter, 0) as Event

describe('an event', () => {
  it('lies in the namespace of its object, or in default if that has none', () => {
    assert.equal(make({ kind: 'Pod', namespace: 'web', name: 'a' }).metadata.namespace, 'web')
    assert.equal(make({ kind: 'Node', name: 'a' }).metadata.namespace, 'default')
  })

  it('has a valid name of its own, whatever its object is called', () => {
    const names = ['a', 'a', 'system:admin', 'x'.repeat(253)].map((name) => make({ kind: 'X', name }).metadata.name)
    assert.equal(new Set(names).size, 4)
    for (const name of names) assert.match(name, /^[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?$/)
  })

  it('refers to an incarnation of its object, and only to what identifies it', () => {
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { namespace: 'n', name: 'a', uid: 'u', resourceVersion: '5' },
    }
    assert.deepEqual(eventRef(pod), { apiVersion: 'v1', kind: 'Pod', namespace: 'n', name: 'a', uid: 'u' })
  })

  it('keeps to the lengths that the API allows', () => {
    assert.equal(make({ kind: 'Pod', name: 'a' }).reportingInstance?.length, 128)
  })

  it('has a note of at most 1024 bytes that ends at a whole character', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 2000, size: 'max' }), (note) => {
        const cut = cutNote(note)
        assert.ok(Buffer.byteLength(cut) <= 1024)
        if (cut !== note) {
          assert.ok(cut.endsWith('…') && note.startsWith(cut.slice(0, -1)))
          assert.ok(Buffer.byteLength(cut) > 1016)
        }
      }),
    )
    assert.equal(cutNote('x'.repeat(1024)), 'x'.repeat(1024))
    assert.equal(cutNote('€'.repeat(1000)), `${'€'.repeat(340)}…`)
  })
})
