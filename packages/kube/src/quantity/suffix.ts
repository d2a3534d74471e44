/** How a quantity is written: 1M, 1Mi or 1e6. Kept through arithmetic, as upstream does. */
export type QuantityFormat = 'DecimalSI' | 'BinarySI' | 'DecimalExponent'

export interface Suffix {
  readonly base: 10 | 2
  readonly exponent: number
  readonly format: QuantityFormat
}

/** Powers of ten from nano to exa, by steps of 1000. */
const DECIMAL = ['n', 'u', 'm', '', 'k', 'M', 'G', 'T', 'P', 'E']
/** Powers of 1024. */
const BINARY = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei']

/** The largest exponents that have a suffix. */
export const MAX_DECIMAL_EXPONENT = 18
export const MAX_BINARY_STEPS = BINARY.length - 1

const SUFFIXES = new Map<string, Suffix>()
for (const [i, text] of BINARY.entries()) SUFFIXES.set(text, { base: 2, exponent: 10 * i, format: 'BinarySI' })
for (const [i, text] of DECIMAL.entries()) SUFFIXES.set(text, { base: 10, exponent: 3 * i - 9, format: 'DecimalSI' })

const EXPONENT = /^[eE]([+-]?\d+)$/

/** What a suffix means; undefined if it is none. Follows suffix.go of apimachinery's pkg/api/resource. */
export function suffixOf(text: string): Suffix | undefined {
  const found = SUFFIXES.get(text)
  if (found) return found
  const exponent = EXPONENT.exec(text)?.[1]
  return exponent === undefined ? undefined : { base: 10, exponent: Number(exponent), format: 'DecimalExponent' }
}

/** The suffix of 10^exponent; exponent is a multiple of 3 from -9 to 18. */
export function decimalSuffix(exponent: number): string {
  return DECIMAL[exponent / 3 + 3] ?? ''
}

/** The suffix of 1024^steps, from 0 to 6. */
export function binarySuffix(steps: number): string {
  return BINARY[steps] ?? ''
}
