import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { describeNeed, needsOf, uncovered } from './rules.ts'

const pods = { verbs: ['get', 'list'], apiGroups: [''], resources: ['pods', 'pods/log'] }

describe('rights that are needed', () => {
  it('are those of the rules, one by one', () => {
    assert.deepEqual(needsOf([pods]).map(describeNeed), ['get pods', 'get pods/log', 'list pods', 'list pods/log'])
  })

  it('are covered by the same rules, or by wildcards', () => {
    assert.deepEqual(uncovered(needsOf([pods]), [pods]), [])
    assert.deepEqual(uncovered(needsOf([pods]), [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }]), [])
  })

  it('are not covered by rules for some names, or for another group', () => {
    const named = { ...pods, resourceNames: ['one'] }
    assert.equal(uncovered(needsOf([pods]), [named, { ...pods, apiGroups: ['apps'] }]).length, 4)
    assert.deepEqual(needsOf([named]), [])
  })
})
