export interface Taint {
  readonly key: string
  readonly value?: string | undefined
  readonly effect: string
}

export interface Toleration {
  readonly key?: string | undefined
  /** Equal if missing. */
  readonly operator?: string | undefined
  readonly value?: string | undefined
  readonly effect?: string | undefined
}

export interface TolerationOptions {
  /** Whether Gt and Lt are known (KEP-5471, gate TaintTolerationComparisonOperators: alpha in 1.37, off). */
  readonly comparisonOperators?: boolean
}

/**
 * As ToleratesTaint of k8s.io/api/core/v1/toleration.go: an empty effect stands for all effects, an empty key for all
 * keys, Exists for all values.
 */
export function toleratesTaint(toleration: Toleration, taint: Taint, options: TolerationOptions = {}): boolean {
  if (toleration.effect && toleration.effect !== taint.effect) return false
  if (toleration.key && toleration.key !== taint.key) return false
  switch (toleration.operator ?? '') {
    case '':
    case 'Equal':
      return (toleration.value ?? '') === (taint.value ?? '')
    case 'Exists':
      return true
    case 'Gt':
      return options.comparisonOperators === true && compareIntegers(taint, toleration, (a, b) => a > b)
    case 'Lt':
      return options.comparisonOperators === true && compareIntegers(taint, toleration, (a, b) => a < b)
    default:
      return false
  }
}

/** The first taint of these effects that no toleration covers; the scheduler's filter looks at the default ones. */
export function untoleratedTaint<T extends Taint>(
  taints: readonly T[],
  tolerations: readonly Toleration[],
  effects: readonly string[] = ['NoSchedule', 'NoExecute'],
  options: TolerationOptions = {},
): T | undefined {
  return taints.find(
    (taint) => effects.includes(taint.effect) && !tolerations.some((t) => toleratesTaint(t, taint, options)),
  )
}

function compareIntegers(taint: Taint, toleration: Toleration, holds: (taint: bigint, toleration: bigint) => boolean) {
  const [actual, bound] = [canonicalInteger(taint.value), canonicalInteger(toleration.value)]
  return actual !== undefined && bound !== undefined && holds(actual, bound)
}

/** An int64 without leading zeros or plus sign; others never compare. */
function canonicalInteger(text = ''): bigint | undefined {
  if (!/^(0|-?[1-9]\d*)$/.test(text)) return undefined
  const value = BigInt(text)
  return BigInt.asIntN(64, value) === value ? value : undefined
}
