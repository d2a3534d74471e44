import { type Amount, amountOfNano, smallAmount } from './amount.ts'
import { Quantity } from './quantity.ts'
import { type QuantityFormat, type Suffix, suffixOf } from './suffix.ts'

/** A text that is no quantity. */
export class QuantityError extends Error {
  override readonly name = 'QuantityError'

  constructor(text: string, problem: string) {
    const shown = text.length > 40 ? `${text.slice(0, 40)}…` : text
    super(`"${shown}" is no quantity: ${problem}; write it like 250m, 1.5, 128Mi or 2e3`)
  }
}

/** Beyond these a few bytes would stand for a number that takes minutes to write out. */
const MAX_LENGTH = 1000
const MAX_EXPONENT = 1000
const MAX_INT64 = 2n ** 63n - 1n
const NANO_DIGITS = 9

/** Sign, zeros that say nothing, digits, fraction, suffix; at least one digit, where upstream reads `Ki` and `+` as zero. */
const QUANTITY = /^([+-]?)(?=\.?\d)0*(\d*)(?:\.(\d*))?([eEinumkKMGTP]*[+-]?\d*)$/

/**
 * Reads a quantity as ParseQuantity of apimachinery's pkg/api/resource does: SI suffixes from n to E, binary ones from Ki
 * to Ei, or an exponent of ten; what is finer than a billionth is rounded away from zero, binary amounts are capped at
 * 2^63-1. A JSON number is taken as well, as the API does.
 * @throws QuantityError
 */
export function parseQuantity(given: string | number): Quantity {
  const text = typeof given === 'number' ? String(given) : given.trim()
  if (text === '') throw new QuantityError(text, 'it is empty')
  if (text.length > MAX_LENGTH) throw new QuantityError(text, `it has more than ${MAX_LENGTH} characters`)
  const match = QUANTITY.exec(text)
  if (!match) throw new QuantityError(text, 'it is not a number with a suffix')
  const [, sign, whole = '', fraction = '', end = ''] = match
  const suffix = suffixOf(end)
  if (!suffix) throw new QuantityError(text, `there is no suffix "${end}"`)
  if (suffix.exponent > MAX_EXPONENT) throw new QuantityError(text, `the exponent is larger than ${MAX_EXPONENT}`)
  const parts: Parts = { negative: sign === '-', whole: whole || '0', fraction, suffix }
  if (isShort(parts)) {
    const canonical = passesForCanonical(parts) ? text : undefined
    return new Quantity(shortAmount(parts), suffix.format, canonical)
  }
  return longQuantity(parts)
}

interface Parts {
  readonly negative: boolean
  readonly whole: string
  readonly fraction: string
  readonly suffix: Suffix
}

/** Whether upstream holds it in an int64; else it never keeps the text. */
function isShort({ whole, fraction, suffix }: Parts): boolean {
  if (suffix.format === 'BinarySI') {
    return fraction === '' && 14 - whole.length - Math.trunc((suffix.exponent * 3) / 10) >= 0
  }
  return whole.length + fraction.length <= 18 && suffix.exponent - fraction.length >= -NANO_DIGITS
}

/** Upstream gives a short quantity back as it was written if this holds, although it may have a sign or a fraction. */
function passesForCanonical({ whole, fraction, suffix }: Parts): boolean {
  const digits = whole + fraction
  if (suffix.format === 'BinarySI') return Number(whole) % 8 !== 0
  return (suffix.exponent - fraction.length) % 3 === 0 && !digits.endsWith('000') && !digits.startsWith('0')
}

function shortAmount(parts: Parts): Amount {
  const { negative, whole, fraction, suffix } = parts
  const digits = Number(whole + fraction) * (suffix.base === 2 ? 2 ** suffix.exponent : 1)
  if (Number.isSafeInteger(digits)) {
    const scale = (suffix.base === 10 ? suffix.exponent : 0) - fraction.length
    const small = smallAmount(negative ? 0 - digits : digits, scale)
    if (small) return small
  }
  const nano = nanoOfParts(parts)
  return amountOfNano(negative ? -nano : nano)
}

function longQuantity(parts: Parts): Quantity {
  const { negative, suffix } = parts
  let nano = nanoOfParts(parts)
  let format: QuantityFormat = suffix.format
  if (format === 'BinarySI') {
    const max = MAX_INT64 * 1_000_000_000n
    if (nano > max) nano = max
    if (nano > 0n && nano < 1_000_000_000n) format = 'DecimalSI'
  }
  return new Quantity(amountOfNano(negative ? -nano : nano), format)
}

/** The absolute value in billionths, rounded up. */
function nanoOfParts({ whole, fraction, suffix }: Parts): bigint {
  let digits = BigInt(whole + fraction)
  if (digits === 0n) return 0n
  if (suffix.base === 2) digits *= 2n ** BigInt(suffix.exponent)
  const shift = (suffix.base === 10 ? suffix.exponent : 0) - fraction.length + NANO_DIGITS
  if (shift >= 0) return digits * 10n ** BigInt(shift)
  if (shift < -2 * MAX_LENGTH) return 1n
  const divisor = 10n ** BigInt(-shift)
  return (digits + divisor - 1n) / divisor
}
