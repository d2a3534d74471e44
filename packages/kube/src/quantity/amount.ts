/**
 * An exact number with nine decimal places: `units` × 10^`scale`. Units are a safe integer wherever one suffices, because
 * arithmetic on those is some ten times quicker than on bigint, which holds whatever is larger (then at scale -9).
 */
export type Amount =
  | { readonly units: number; readonly scale: Scale }
  | { readonly units: bigint; readonly scale: typeof NANO }

type Scale = 0 | -3 | typeof NANO
const NANO = -9

export const zero: Amount = { units: 0, scale: 0 }

/** `nano` billionths. */
export function amountOfNano(nano: bigint): Amount {
  return (
    shrunk(nano, 1_000_000_000n, 0) ??
    shrunk(nano, 1_000_000n, -3) ??
    shrunk(nano, 1n, NANO) ?? { units: nano, scale: NANO }
  )
}

/** `units` × 10^`scale` where that needs no bigint, undefined elsewhere; scale may be any integer. */
export function smallAmount(units: number, scale: number): Amount | undefined {
  const target = scale >= 0 ? 0 : scale >= -3 ? -3 : NANO
  const scaled = units * 10 ** (scale - target)
  return scale >= NANO && Number.isSafeInteger(scaled) ? { units: scaled, scale: target } : undefined
}

/** In billionths. */
export function nanoOf(amount: Amount): bigint {
  if (typeof amount.units === 'bigint') return amount.units
  return BigInt(amount.units) * (amount.scale === 0 ? 1_000_000_000n : amount.scale === -3 ? 1_000_000n : 1n)
}

export function plus(a: Amount, b: Amount): Amount {
  const pair = aligned(a, b)
  if (pair !== undefined) {
    const sum = pair.a + pair.b
    if (Number.isSafeInteger(sum)) return { units: sum, scale: pair.scale }
  }
  return amountOfNano(nanoOf(a) + nanoOf(b))
}

export function negated(amount: Amount): Amount {
  if (typeof amount.units === 'bigint') return { units: -amount.units, scale: NANO }
  // 0 - 0 is 0, whereas -0 is another zero to Object.is and deepEqual.
  return { units: 0 - amount.units, scale: amount.scale }
}

/** Negative if a < b, positive if a > b, else 0. */
export function compared(a: Amount, b: Amount): number {
  const pair = aligned(a, b)
  if (pair !== undefined) return pair.a - pair.b
  const nanoA = nanoOf(a)
  const nanoB = nanoOf(b)
  return nanoA < nanoB ? -1 : nanoA > nanoB ? 1 : 0
}

/** The quotient, rounded away from zero. */
export function divideUp(nano: bigint, divisor: bigint): bigint {
  const quotient = nano / divisor
  if (nano % divisor === 0n) return quotient
  return nano > 0n ? quotient + 1n : quotient - 1n
}

/** The same amount if it is whole in thousandths, else the next one further from zero that is. */
export function roundedToMilli(amount: Amount): Amount {
  if (amount.scale !== NANO) return amount
  const nano = nanoOf(amount)
  return nano % 1_000_000n === 0n ? amount : amountOfNano(divideUp(nano, 1_000_000n) * 1_000_000n)
}

/** `a` and `b` at the finer of their scales, if both are safe integers there. */
function aligned(a: Amount, b: Amount): { a: number; b: number; scale: Scale } | undefined {
  if (typeof a.units === 'bigint' || typeof b.units === 'bigint') return undefined
  if (a.scale === b.scale) return { a: a.units, b: b.units, scale: a.scale }
  const scale = Math.min(a.scale, b.scale) as Scale
  const unitsA = a.units * 10 ** (a.scale - scale)
  const unitsB = b.units * 10 ** (b.scale - scale)
  return Number.isSafeInteger(unitsA) && Number.isSafeInteger(unitsB) ? { a: unitsA, b: unitsB, scale } : undefined
}

function shrunk(nano: bigint, divisor: bigint, scale: Scale): Amount | undefined {
  if (nano % divisor !== 0n) return undefined
  const units = Number(nano / divisor)
  return Number.isSafeInteger(units) ? { units, scale } : undefined
}
