import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { podLike } from '../pods.fixture.ts'
import { mayMean } from './may-mean.ts'

const named = (name: string) => podLike({ name, labels: { app: 'web' } })
const generated = (generateName: string) => {
  const { metadata, ...rest } = podLike({ labels: { app: 'web' } })
  return { ...rest, metadata: { ...metadata, name: '', generateName } }
}
const policyName = 'leaf'

describe('a selector of a DistributionPolicy, before a pod is stored', () => {
  it('means pods by their names where these are known', () => {
    assert(mayMean({ policyName, name: 'web-0' })(named('web-0')))
    assert(!mayMean({ policyName, name: 'web-0' })(named('web-1')))
    assert(mayMean({ policyName, namePrefix: 'web-' })(named('web-1')))
    assert(!mayMean({ policyName, namePrefix: 'web-' })(named('db-1')))
  })

  it('may mean a pod whose name only begins to be known', () => {
    assert(mayMean({ policyName, name: 'web-0' })(generated('web-')))
    assert(!mayMean({ policyName, name: 'web-0' })(generated('db-')))
    assert(mayMean({ policyName, namePrefix: 'web-6d9f' })(generated('web-')))
    assert(mayMean({ policyName, namePrefix: 'w' })(generated('web-')))
    assert(!mayMean({ policyName, namePrefix: 'web-' })(generated('db-')))
    // An API server cuts the start of a generated name after 58 characters.
    assert(mayMean({ policyName, name: `${'a'.repeat(58)}xyz12` })(generated('a'.repeat(63))))
  })

  it('means pods by labels, or all', () => {
    assert(mayMean({ policyName, labelSelector: { matchLabels: { app: 'web' } } })(generated('x-')))
    assert(!mayMean({ policyName, labelSelector: { matchLabels: { app: 'db' } } })(generated('x-')))
    assert(mayMean({ policyName })(named('anything')))
  })
})
