import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { FieldSelector, parseFieldSelector } from './field-selector.ts'

const fields = fc.constantFrom('metadata.name', 'spec.nodeName', 'status.phase', 'constructor')
const values = fc.oneof(fc.constantFrom('', 'a', 'a=b', 'a,b', '\\', 'a\\,b'), fc.string())
const terms = fc.array(
  fc.record({ field: fields, operator: fc.constantFrom('=', '!='), value: values }, { noNullPrototype: true }),
) as fc.Arbitrary<FieldSelector['terms']>

describe('a field selector', () => {
  it('is the same after writing and reading, whatever its values hold', () => {
    fc.assert(
      fc.property(terms, (all) => {
        assert.deepEqual(parseFieldSelector(new FieldSelector(all).toString()).terms, all)
      }),
    )
  })

  it('joins equality and inequality by AND, and takes a missing field for empty', () => {
    const selector = parseFieldSelector('spec.nodeName!=,status.phase==Running,metadata.name=web')
    assert.ok(selector.matches({ 'spec.nodeName': 'n', 'status.phase': 'Running', 'metadata.name': 'web' }))
    assert.ok(!selector.matches({ 'status.phase': 'Running', 'metadata.name': 'web' }))
    assert.ok(parseFieldSelector('constructor=').matches({}))
    assert.ok(parseFieldSelector('').matches({}))
  })

  for (const text of ['a', 'a in (b)', 'a=b=c', 'a=b\\c', 'a=b\\', 'a>b']) {
    it(`refuses ${text}`, () => assert.throws(() => parseFieldSelector(text), { name: 'SelectorError' }))
  }
})
