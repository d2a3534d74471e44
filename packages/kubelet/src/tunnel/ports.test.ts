import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { parsePorts, portsQuery } from './ports.ts'

const parse = (query: string) => parsePorts(new URLSearchParams(query))

describe('the ports of a port-forward', () => {
  it('are none for SPDY, and those of the URL for a WebSocket', () => {
    assert.deepEqual(parse(''), { ok: true, ports: [] })
    assert.deepEqual(parse('port=80,443&port=8080'), { ok: true, ports: [80, 443, 8080] })
    assert.equal(portsQuery([]), '')
    assert.equal(portsQuery([80, 443]), 'ports=80&ports=443')
  })

  it('are refused when they are none of a transport protocol', () => {
    for (const port of ['0', '65536', '-1', '+1', 'http', '1.5', ' 80', '999999']) {
      const query = new URLSearchParams([['port', port]])
      const expected = { ok: false, code: 400, text: `port ${JSON.stringify(port)} must be 1 to 65535` }
      assert.deepEqual(parsePorts(query), expected)
    }
  })

  it('arrive in the leaf as they were asked for', () => {
    fc.assert(
      fc.property(fc.array(fc.array(fc.integer({ min: 1, max: 65_535 }), { minLength: 1 })), (groups) => {
        const parsed = parsePorts(new URLSearchParams(groups.map((group) => ['port', group.join()])))
        assert.ok(parsed.ok)
        const asked = new URLSearchParams(portsQuery(parsed.ports)).getAll('ports').map(Number)
        assert.deepEqual(asked, groups.flat())
      }),
    )
  })
})
