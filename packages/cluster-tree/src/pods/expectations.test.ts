import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { KubeObject } from '@kosmos/kube'
import fc from 'fast-check'
import { Expectations } from './expectations.ts'

const at = (resourceVersion: string): KubeObject => ({ metadata: { name: 'p', resourceVersion } })

describe('a write that the cache does not show yet', () => {
  it('is waited for until that version or a later one is seen', () => {
    const version = fc.bigInt({ min: 1n, max: 2n ** 64n })
    fc.assert(
      fc.property(version, version, (written, seen) => {
        const expectations = new Expectations()
        expectations.expect('n/p', at(String(written)))
        assert.equal(expectations.isPending('n/p', at(String(seen))), seen < written)
      }),
    )
  })

  it('is waited for while the cache does not know the object at all', () => {
    const expectations = new Expectations()
    expectations.expect('n/p', at('10'))
    assert(expectations.isPending('n/p', undefined))
    assert(!expectations.isPending('n/other', undefined))
  })

  it('is over once it was seen, also if an older state appears later', () => {
    const expectations = new Expectations()
    expectations.expect('n/p', at('10'))
    assert(!expectations.isPending('n/p', at('10')))
    assert(!expectations.isPending('n/p', at('9')))
    assert(!expectations.isPending('n/p', undefined))
  })

  it('is over when the object is known to be gone', () => {
    const expectations = new Expectations()
    expectations.expect('n/p', at('10'))
    expectations.forget('n/p')
    assert(!expectations.isPending('n/p', undefined))
  })

  it('is not waited for without end: an event may be lost', () => {
    const expectations = new Expectations(-1)
    expectations.expect('n/p', at('10'))
    assert(!expectations.isPending('n/p', at('9')))
  })

  it('is not waited for when it has no version that could be compared', () => {
    const expectations = new Expectations()
    expectations.expect('n/p', { metadata: { name: 'p' } })
    expectations.expect('n/q', at('opaque'))
    assert(!expectations.isPending('n/p', undefined))
    assert(!expectations.isPending('n/q', undefined))
  })
})
