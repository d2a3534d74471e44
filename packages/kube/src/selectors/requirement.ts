export type Labels = Readonly<Record<string, string>>

export type Operator = 'In' | 'NotIn' | 'Exists' | 'DoesNotExist' | 'Gt' | 'Lt'

/** One condition on one label. `a=b` is In with one value, `a!=b` is NotIn with one. */
export interface Requirement {
  readonly key: string
  readonly operator: Operator
  readonly values: readonly string[]
}

/** A selector that an API server would refuse. */
export class SelectorError extends Error {
  override readonly name = 'SelectorError'
}

const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/
const NAME = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/

/**
 * A checked requirement, as labels.NewRequirement of k8s.io/apimachinery.
 * @throws SelectorError
 */
export function requirement(key: string, operator: string, values: readonly string[] = []): Requirement {
  if (!isLabelKey(key)) throw new SelectorError(`"${key}" is no label key: write [dns.prefix/]name`)
  if (!isOperator(operator)) throw new SelectorError(`label ${key}: there is no operator "${operator}"`)
  const [least, most] = VALUES[operator]
  if (values.length < least || values.length > most) {
    const wanted = most === 0 ? 'no value' : most === 1 ? 'one value' : 'at least one value'
    throw new SelectorError(`label ${key}: ${operator} takes ${wanted}, not ${values.length}`)
  }
  for (const value of values) {
    if (!isLabelValue(value)) throw new SelectorError(`label ${key}: "${value}" is no label value`)
    if (least === 1 && most === 1 && int64(value) === undefined) {
      throw new SelectorError(`label ${key}: ${operator} compares integers, "${value}" is none`)
    }
  }
  return { key, operator, values }
}

/** How many values each operator takes, at least and at most. */
const VALUES: Readonly<Record<Operator, readonly [number, number]>> = {
  In: [1, Number.POSITIVE_INFINITY],
  NotIn: [1, Number.POSITIVE_INFINITY],
  Exists: [0, 0],
  DoesNotExist: [0, 0],
  Gt: [1, 1],
  Lt: [1, 1],
}

function isOperator(operator: string): operator is Operator {
  return Object.hasOwn(VALUES, operator)
}

/** NotIn and DoesNotExist hold for an object without the label; all others do not. */
export function holds({ key, operator, values }: Requirement, labels: Labels): boolean {
  // A label may be called "constructor".
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value)
    case 'NotIn':
      return value === undefined || !values.includes(value)
    case 'Exists':
      return value !== undefined
    case 'DoesNotExist':
      return value === undefined
    case 'Gt':
    case 'Lt': {
      const actual = int64(value)
      const bound = int64(values[0])
      if (actual === undefined || bound === undefined) return false
      return operator === 'Gt' ? actual > bound : actual < bound
    }
  }
}

/** As strconv.ParseInt(text, 10, 64) of Go; undefined if it is none. */
function int64(text: string | undefined): bigint | undefined {
  if (text === undefined || !/^[+-]?\d+$/.test(text)) return undefined
  const value = BigInt(text.replace('+', ''))
  return BigInt.asIntN(64, value) === value ? value : undefined
}

function isLabelKey(key: string): boolean {
  const slash = key.indexOf('/')
  const name = key.slice(slash + 1)
  if (name.length > 63 || !NAME.test(name)) return false
  return slash < 0 || (slash <= 253 && SUBDOMAIN.test(key.slice(0, slash)))
}

function isLabelValue(value: string): boolean {
  return value === '' || (value.length <= 63 && NAME.test(value))
}
