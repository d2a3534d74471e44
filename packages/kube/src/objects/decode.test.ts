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

  it('is what JSON.parse says, if it holds none', () => {
    fc.assert(fc.property(tricky, (value) => assert.deepEqual(decode(bytes(value)), JSON.parse(JSON.stringify(value)))))
  })

  it('is refused when it is cut short, wherever', () => {
    const whole = bytes({ metadata: { name: 'a', managedFields: [{ 'f:a': ']"' }], uid: 'u' }, spec: {} })
    for (let length = 0; length < whole.length; length++) {
      assert.throws(() => decode(whole.subarray(0, length)), SyntaxError)
    }
  })
})
