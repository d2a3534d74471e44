import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { KubeObject } from '@kosmos/kube'
import fc from 'fast-check'
import { withoutContents } from './without-contents.ts'

const base64 = (text: string) => Buffer.from(text).toString('base64')
const secretOf = (...values: string[]) =>
  ({ data: Object.fromEntries(values.map((value, i) => [`key-${i}`, base64(value)])) }) as KubeObject

describe('what a leaf says of a Secret', () => {
  it('is told without its values, as they are and encoded', () => {
    const said = `password "precious" (${base64('precious')}) is too short`
    assert.equal(withoutContents(said, secretOf('precious')), 'password "[left out]" ([left out]) is too short')
  })

  it('is told without values of several lines, whole, quoted, or a line of them', () => {
    const key = 'first line\nsecond "line"\n'
    for (const said of [key, JSON.stringify(key), 'line 2 is second "line"']) {
      assert.doesNotMatch(withoutContents(said, secretOf(key)), /first|second/)
    }
  })

  it('is told without the longer of two values of which one begins as the other', () => {
    assert.equal(withoutContents('precious-too', secretOf('precious', 'precious-too')), '[left out]')
  })

  it('is told as it is where it quotes nothing', () => {
    const said = 'exceeded quota: count, requested: count/secrets=1'
    assert.equal(withoutContents(said, secretOf('precious', 'on')), said)
    assert.equal(withoutContents(said, {}), said)
  })

  it('never has a value of it, whatever that is', () => {
    const value = fc.string({ minLength: 4 }).filter((text) => text.trim().length >= 4 && !'[left out]'.includes(text))
    fc.assert(
      fc.property(value, fc.string(), fc.string(), (value, before, after) => {
        const told = withoutContents(`${before}|${value}|${base64(value)}|${after}`, secretOf(value))
        assert.ok(!told.includes(`|${value}|`) && !told.includes(`|${base64(value)}|`))
      }),
    )
  })
})
