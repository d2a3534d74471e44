import type { Amount } from './amount.ts'
import { binarySuffix, decimalSuffix, MAX_BINARY_STEPS, MAX_DECIMAL_EXPONENT, type QuantityFormat } from './suffix.ts'

/**
 * The canonical form: no fraction, no precision lost, the largest suffix that allows for both. A binary format turns
 * decimal for what is not whole or below 1024. Follows CanonicalizeBytes of apimachinery's pkg/api/resource/quantity.go,
 * save that amounts beyond the largest suffix keep it (1000E), where upstream loses it (1).
 */
export function formatAmount(amount: Amount, format: QuantityFormat): string {
  if (typeof amount.units === 'bigint') return formatNano(amount.units, format)
  const { units, scale } = amount
  if (units === 0) return '0'
  const one = 10 ** -scale
  if (format === 'BinarySI' && Math.abs(units) >= 1024 * one && units % one === 0) return binary(units / one)
  return decimal(units, scale, format)
}

function formatNano(nano: bigint, format: QuantityFormat): string {
  if (format === 'BinarySI' && nano % 1_000_000_000n === 0n) return bigBinary(nano / 1_000_000_000n)
  return bigDecimal(nano, format)
}

function decimal(units: number, scale: number, format: QuantityFormat): string {
  const limit = limitOf(format)
  let mantissa = units
  let exponent = scale
  while (mantissa % 1000 === 0 && exponent < limit) {
    mantissa /= 1000
    exponent += 3
  }
  return mantissa + decimalEnd(exponent, format)
}

function binary(whole: number): string {
  let mantissa = whole
  let steps = 0
  while (mantissa % 1024 === 0 && steps < MAX_BINARY_STEPS) {
    mantissa /= 1024
    steps++
  }
  return mantissa + binarySuffix(steps)
}

function bigDecimal(nano: bigint, format: QuantityFormat): string {
  const limit = limitOf(format)
  let mantissa = nano
  let exponent = -9
  while (mantissa % 1000n === 0n && exponent < limit) {
    mantissa /= 1000n
    exponent += 3
  }
  return mantissa + decimalEnd(exponent, format)
}

function bigBinary(whole: bigint): string {
  let mantissa = whole
  let steps = 0
  while (mantissa % 1024n === 0n && steps < MAX_BINARY_STEPS) {
    mantissa /= 1024n
    steps++
  }
  return mantissa + binarySuffix(steps)
}

function limitOf(format: QuantityFormat): number {
  return format === 'DecimalExponent' ? Number.POSITIVE_INFINITY : MAX_DECIMAL_EXPONENT
}

function decimalEnd(exponent: number, format: QuantityFormat): string {
  if (format !== 'DecimalExponent') return decimalSuffix(exponent)
  return exponent === 0 ? '' : `e${exponent}`
}
