import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { normalizeAnchors } from './anchors.ts'

const pem = (der: Uint8Array, newline = '\n') => {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join(newline)
}
const der = fc.uint8Array({ minLength: 1, maxLength: 200 })
const certificatesIn = (text: string) =>
  [...text.matchAll(/-----BEGIN CERTIFICATE-----\n([\s\S]*?)-----END/g)].map(([, body = '']) =>
    Buffer.from(body, 'base64').toString('hex'),
  )

describe('the certificates of bundles', () => {
  it('are each there once, in one order, whatever stands between them and however often they are named', () => {
    const written = fc.record({
      der,
      comment: fc.constantFrom('', '# Issuer: CN=a\n', 'subject=x\n\n'),
      crlf: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(fc.array(written), { maxLength: 4 }), (bundles) => {
        const texts = bundles.map((bundle) =>
          bundle.map(({ der, comment, crlf }) => comment + pem(der, crlf ? '\r\n' : '\n')).join(''),
        )
        const anchors = normalizeAnchors(texts)
        const expected = new Set(bundles.flat().map(({ der }) => Buffer.from(der).toString('hex')))
        assert.deepEqual(certificatesIn(anchors).sort(), [...expected].sort())
        assert.equal(normalizeAnchors([...texts].reverse()), anchors)
        assert.equal(normalizeAnchors([anchors]), anchors)
        assert.ok(anchors.split('\n').every((line) => line.length <= 64))
      }),
    )
  })

  it('are written as a kubelet writes them', () => {
    const bytes = Buffer.alloc(50, 'a')
    const body = `${bytes.toString('base64').slice(0, 64)}\n${bytes.toString('base64').slice(64)}`
    const expected = `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n`
    assert.equal(normalizeAnchors([`some words\n${pem(bytes)}more words`]), expected)
    assert.equal(normalizeAnchors([]), '')
  })
})
