import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import * as names from './names.ts'

const page = readFileSync(new URL('../../../docs/reference/labels.md', import.meta.url), 'utf8')

/** Names on objects; the group and the version are in the reference of each kind. */
const onObjects = Object.values(names)
  .flatMap((value): unknown[] => (typeof value === 'object' ? Object.values(value) : [value]))
  .filter((value) => typeof value === 'string')
  .filter((name) => name !== names.apiGroup && name !== names.apiVersion)

describe('docs/reference/labels.md', () => {
  it('explains every name that Kosmos writes on objects or reads there', () => {
    const missing = onObjects.filter((name) => !page.includes(`\`${name}\``))
    assert.deepEqual(missing, [])
  })
})
