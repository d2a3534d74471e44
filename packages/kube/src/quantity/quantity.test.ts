import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { parseQuantity, QuantityError } from './parse.ts'
import { Quantity } from './quantity.ts'
import { upstreamForms } from './upstream-forms.fixture.ts'

const NANO = 1_000_000_000n
const powers: Readonly<Record<string, bigint>> = {
  n: 1n,
  u: 10n ** 3n,
  m: 10n ** 6n,
  '': 10n ** 9n,
  k: 10n ** 12n,
  M: 10n ** 15n,
  G: 10n ** 18n,
  T: 10n ** 21n,
  e2: 10n ** 11n,
  'e-3': 10n ** 6n,
  E5: 10n ** 14n,
  Ki: NANO * 2n ** 10n,
  Mi: NANO * 2n ** 20n,
  Gi: NANO * 2n ** 30n,
  Ti: NANO * 2n ** 40n,
}

/** A text and the billionths it stands for, worked out by other means than the code under test. */
const samples = fc
  .record({
    units: fc.oneof(
      fc.integer({ min: -5000, max: 5000 }).map(BigInt),
      fc.bigInt({ min: -(10n ** 15n), max: 10n ** 15n }),
    ),
    suffix: fc.constantFrom(...Object.keys(powers)),
  })
  .map(({ units, suffix }) => ({ text: `${units}${suffix}`, nano: capped(units * (powers[suffix] ?? 0n), suffix) }))

function capped(nano: bigint, suffix: string): bigint {
  const max = (2n ** 63n - 1n) * NANO
  if (!suffix.endsWith('i')) return nano
  return nano > max ? max : nano < -max ? -max : nano
}

const nano = (value: bigint) => parseQuantity(`${value}n`)

describe('a quantity as text', () => {
  for (const [text, string, canonical] of upstreamForms) {
    it(`reads ${text} and writes ${string} like an API server, ${canonical} after arithmetic`, () => {
      const quantity = parseQuantity(text)
      assert.equal(quantity.toString(), string)
      assert.equal(Quantity.zero.add(quantity).toString(), canonical)
    })
  }

  it('keeps an amount beyond the largest suffix, where upstream loses it', () => {
    assert.equal(parseQuantity('1000E').toString(), '1000E')
    const exbi = parseQuantity('1Ei')
    const sum = Array.from({ length: 1024 }, () => exbi).reduce((a, b) => a.add(b))
    assert.equal(sum.toString(), '1024Ei')
  })

  it('is the same value after writing and reading, in the shortest form', () => {
    fc.assert(
      fc.property(samples, ({ text }) => {
        const quantity = Quantity.zero.add(parseQuantity(text))
        const again = parseQuantity(quantity.toString())
        assert.ok(again.equals(quantity))
        assert.equal(Quantity.zero.add(again).toString(), quantity.toString())
      }),
    )
  })

  it('is taken from a JSON number, and written as a string', () => {
    assert.equal(parseQuantity(1.5).toString(), '1500m')
    assert.equal(JSON.stringify({ cpu: parseQuantity('1000m') }), '{"cpu":"1"}')
  })

  for (const text of [
    ...['', ' ', 'x', '1i', '1K', '1mi', '1.2.3', '1..', '--1', '+-1', '1 Ki', '1Ki5', '1e', '1e-', '1e3e', '1EE5'],
    ...['1e3.5', '0x10', '1,5', '1_000', 'NaN', 'Infinity', '1Kib', '1Zi', '١', 'Ki', '+', '.', '.m'],
  ]) {
    it(`refuses ${JSON.stringify(text)} and says how to write one`, () => {
      assert.throws(() => parseQuantity(text), { name: 'QuantityError', message: /write it like/ })
    })
  }

  it('refuses at once what would take minutes to write out', () => {
    for (const text of ['1e1000000000', `1${'0'.repeat(1_000_000)}`]) {
      assert.throws(
        () => parseQuantity(text),
        (error: Error) => error instanceof QuantityError && error.message.length < 200,
      )
    }
  })

  it('takes any exponent below a billionth for a billionth', () => {
    assert.equal(parseQuantity('1e-1000000000').toString(), '1e-9')
  })
})

describe('arithmetic on quantities', () => {
  it('is exact: sums, differences, signs and order are those of whole billionths', () => {
    fc.assert(
      fc.property(samples, samples, (a, b) => {
        const [x, y] = [parseQuantity(a.text), parseQuantity(b.text)]
        assert.ok(x.add(y).equals(nano(a.nano + b.nano)))
        assert.ok(x.sub(y).equals(nano(a.nano - b.nano)))
        assert.ok(x.negate().equals(nano(-a.nano)))
        assert.equal(Math.sign(x.compare(y)), a.nano < b.nano ? -1 : a.nano > b.nano ? 1 : 0)
        assert.equal(x.max(y).compare(a.nano >= b.nano ? x : y), 0)
        assert.equal(x.isZero, a.nano === 0n)
      }),
    )
  })

  it('comes back to where it was after any adding and taking away, without drift', () => {
    fc.assert(
      fc.property(fc.array(samples, { maxLength: 30 }), (all) => {
        const start = parseQuantity('100Gi')
        const quantities = all.map(({ text }) => parseQuantity(text))
        const full = quantities.reduce((sum, q) => sum.add(q), start)
        const back = quantities.reduce((sum, q) => sum.sub(q), full)
        assert.ok(back.equals(start))
      }),
    )
  })

  it('keeps the format of the first, and takes that of the other where the first is zero', () => {
    assert.equal(parseQuantity('1Gi').add(parseQuantity('1024')).toString(), '1048577Ki')
    assert.equal(parseQuantity('1024').add(parseQuantity('1Ki')).toString(), '2048')
    assert.equal(parseQuantity('0').add(parseQuantity('1Gi')).toString(), '1Gi')
    assert.equal(parseQuantity('0').sub(parseQuantity('2e3')).toString(), '-2e3')
  })

  it('rounds away from zero to whole units and thousandths', () => {
    const values = (text: string) => [parseQuantity(text).value(), parseQuantity(text).milliValue()]
    assert.deepEqual(values('1001u'), [1n, 2n])
    assert.deepEqual(values('-1001u'), [-1n, -2n])
    assert.deepEqual(values('4Gi'), [4294967296n, 4294967296000n])
    assert.equal(parseQuantity('250m').toNumber(), 0.25)
    assert.equal(parseQuantity('64Pi').toNumber(), 2 ** 56)
  })
})
