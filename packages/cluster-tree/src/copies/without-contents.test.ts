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

  it('is told without short values where they stand alone, and else as it is', () => {
    const said = 'pin "123" is on the list; pin=7! is not, 12345 is none'
    const told = 'pin "[left out]" is [left out] the list; pin=[left out]! is not, 12345 is none'
    assert.equal(withoutContents(said, secretOf('123', 'on', '7', '')), told)
    assert.equal(withoutContents('é7 7é', secretOf('7')), 'é7 7é')
    assert.equal(withoutContents('x1234y x123y', secretOf('1234', '123')), 'x[left out]y x123y')
  })

  it('is told without the values of each Secret, of what was sent and of what is there', () => {
    const said = withoutContents('neither "earlier" nor "later"', secretOf('earlier'), secretOf('later'))
    assert.equal(said, 'neither "[left out]" nor "[left out]"')
  })

  it('is told without the beginning of a value in which a long text was cut off', () => {
    const value = 'precious'.repeat(1_000)
    for (const left of [4, 8, 4_000]) {
      assert.equal(withoutContents(`not ${value.slice(0, left)}…`, secretOf(value)), 'not [left out]…')
    }
    assert.equal(withoutContents('not pre…', secretOf(value)), 'not pre…')
    assert.equal(withoutContents('not prec', secretOf(value)), 'not prec')
    assert.equal(withoutContents('not recious…', secretOf('precious, and more')), 'not recious…')
  })

  it('is told without values that mean something in a pattern, and ones like the words that take their place', () => {
    assert.equal(
      withoutContents('a (b)+ .* [left out] c', secretOf('(b)+ .*', 'left')),
      'a [left out] [[left out] out] c',
    )
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
