import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseCidr } from './cidr.ts'

describe('a CIDR', () => {
  it('has a family and a prefix length, with or without host bits', () => {
    assert.deepEqual(parseCidr('210.0.0.0/8'), { family: 4, prefixLength: 8 })
    assert.deepEqual(parseCidr('10.1.2.3/32'), { family: 4, prefixLength: 32 })
    assert.deepEqual(parseCidr('9480::/16'), { family: 6, prefixLength: 16 })
    assert.deepEqual(parseCidr('::/0'), { family: 6, prefixLength: 0 })
  })

  const bad = [
    '',
    '/',
    '10.0.0.0',
    '10.0.0.0/',
    '10.0.0.0/33',
    '10.0.0.0/08',
    '10.0.0.0/+8',
    '010.0.0.0/8',
    '10.0.0/8',
    '::/129',
    'fe80::1%eth0/64',
    '::ffff:1.2.3.4/96',
    '10.0.0.0/8/8',
    ' 10.0.0.0/8',
  ]
  for (const text of bad) {
    it(`is not ${JSON.stringify(text)}`, () => assert.equal(parseCidr(text), undefined))
  }
})
