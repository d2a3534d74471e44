import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { parseEndpoint } from './endpoint.ts'

describe('an endpoint', () => {
  it('is an address of either family, with a port or without', () => {
    assert.deepEqual(parseEndpoint('192.0.2.1'), { family: 4, address: '192.0.2.1' })
    assert.deepEqual(parseEndpoint('[2001:db8::1]'), { family: 6, address: '2001:db8::1' })
    assert.deepEqual(parseEndpoint('[2001:db8::1]:65535'), { family: 6, address: '2001:db8::1', port: 65_535 })
    const port = fc.integer({ min: 1, max: 65_535 })
    fc.assert(
      fc.property(fc.ipV4(), port, (address, port) => {
        assert.deepEqual(parseEndpoint(`${address}:${port}`), { family: 4, address, port })
      }),
    )
  })

  it('is none when address or port are none, or IPv6 is not in brackets', () => {
    for (const text of [
      '',
      'gateway.example:51872',
      '192.0.2.256',
      '192.0.2.1:0',
      '192.0.2.1:65536',
      '192.0.2.1:',
      '[192.0.2.1]:1',
      '2001:db8::1',
      '[2001:db8::1%eth0]',
      '[::ffff:102:304]:1',
      ' 192.0.2.1',
    ])
      assert.equal(parseEndpoint(text), undefined, text)
  })
})
