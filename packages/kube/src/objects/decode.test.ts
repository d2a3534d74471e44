import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { decode } from './decode.ts'

/** JSON values whose keys and strings look like what is cut out, and like its end. */
const tricky = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom('}]},"spec":', ',"managedFields":[', '\\', '"', '\\"]', 'ä€🚀', 1, null, true),
    fc.string({ unit: 'binary' }),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('a', 'f:spec', 'k:{"type":"Ready"}', ',"managedFields":[', ']'), tie('value'), {
      noNullPrototype: true,
    }),
  ),
})).value

const bytes = (value: unknown) => Buffer.from(JSON.stringify(value))

describe('JSON of the API', () => {
  it('is parsed without managedFields, whatever is in them and around them', () => {
    fc.assert(
      fc.property(tricky, fc.array(tricky, { maxLength: 4 }), tricky, (before, managedFields, after) => {
        const object = { kind: 'Pod', metadata: { name: before, managedFields, uid: after }, spec: after }
        const { managedFields: _, ...metadata } = object.metadata
        assert.deepEqual(decode(bytes(object)), { ...object, metadata })
        const items = [
          { ...object, metadata },
          { ...object, metadata },
        ]
        assert.deepEqual(decode(bytes({ items: [object, object], before })), { items, before })
      }),
    )
  })

  it('keeps what is called so anywhere but in the metadata of an object, of the items of a list, or of an event', () => {
    const field = fc.constantFrom('metadata', 'managedFields', 'items', 'object', 'template')
    const nested = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { depthSize: 'medium' },
        fc.constantFrom(',"managedFields":[', ']', 1, null),
        fc.array(tie('value'), { maxLength: 3 }),
        fc
          .array(fc.tuple(field, tie('value')), { maxLength: 4 })
          .map((fields) => ({ a: 1, ...Object.fromEntries(fields) })),
      ),
    })).value
    fc.assert(
      fc.property(nested, (value) => {
        const expected = JSON.parse(JSON.stringify(value))
        const items = Array.isArray(expected?.items) ? expected.items : []
        for (const own of [expected, expected?.object, ...items]) {
          if (!Array.isArray(own?.metadata) && Array.isArray(own?.metadata?.managedFields)) {
            delete own.metadata.managedFields
          }
        }
        assert.deepEqual(decode(bytes(value)), expected)
      }),
      { numRuns: 2_000 },
    )
    const template = { metadata: { name: 'a', managedFields: [{ manager: 'b' }] } }
    const event = { type: 'ADDED', object: { ...template, spec: { template } } }
    assert.deepEqual(decode(bytes(event)), { type: 'ADDED', object: { metadata: { name: 'a' }, spec: { template } } })
  })

  it('is what JSON.parse says, if it holds none', () => {
    fc.assert(fc.property(tricky, (value) => assert.deepEqual(decode(bytes(value)), JSON.parse(JSON.stringify(value)))))
  })

  it('is parsed with managedFields for who asks for them', () => {
    const whole = { metadata: { name: 'a', managedFields: [{ manager: 'b' }] }, spec: {} }
    assert.deepEqual(decode(bytes(whole), true), whole)
  })

  it('is refused when it is cut short, wherever', () => {
    const whole = bytes({ metadata: { name: 'a', managedFields: [{ 'f:a': ']"' }], uid: 'u' }, spec: {} })
    for (let length = 0; length < whole.length; length++) {
      assert.throws(() => decode(whole.subarray(0, length)), SyntaxError)
    }
  })
})
