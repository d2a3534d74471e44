import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { cgroupName, uplinkName } from './naming.ts'

describe('names that a test bed takes on the machine', () => {
  it('fit into what the kernel allows for a link', () => {
    fc.assert(fc.property(fc.string(), (dir) => assert.match(uplinkName(dir), /^[a-z0-9]{1,15}$/)))
  })

  it('differ between two test beds, and stay the same for one', () => {
    assert.notEqual(uplinkName('/a/kosmos'), uplinkName('/b/kosmos'))
    assert.notEqual(cgroupName('/a/kosmos'), cgroupName('/b/kosmos'))
    assert.equal(uplinkName('/a/kosmos'), uplinkName('/a/kosmos'))
  })
})
