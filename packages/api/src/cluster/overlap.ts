import { type LeafModel, leafModelKind } from './tree-options.ts'

type LabelSelector = NonNullable<NonNullable<LeafModel['nodeSelector']>['labelSelector']>

/**
 * Two leaf models that could claim the same leaf node, in words; undefined when no node could ever be in two. A leaf node that
 * has a model of its own is in no group. Exact for label selectors: any labels a node might get are thought of.
 */
export function leafModelOverlap(leafModels: readonly LeafModel[]): string | undefined {
  const names = leafModels.map(({ nodeSelector }) => nodeSelector?.nodeName).filter(Boolean)
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice !== undefined) return `two leaf models name the leaf node ${twice}`
  const groups = leafModels
    .map((model, index) => ({ model, index }))
    .filter(({ model }) => leafModelKind(model) === 'group')
    .map(({ model, index }) => ({ index, allowed: allowedValues(model.nodeSelector?.labelSelector ?? {}) }))
  for (const [i, a] of groups.entries()) {
    const b = groups.slice(i + 1).find((other) => canBothHold(a.allowed, other.allowed))
    if (b) return `a leaf node can match both leafModels[${a.index}] and leafModels[${b.index}]`
  }
  return undefined
}

/** What a selector lets one label be. */
interface Allowed {
  readonly absent: boolean
  /** Undefined: any value but those of `not`. */
  readonly values: Set<string> | undefined
  readonly not: Set<string>
}

const anything: Allowed = { absent: true, values: undefined, not: new Set() }

function allowedValues({ matchLabels = {}, matchExpressions = [] }: LabelSelector): Map<string, Allowed> {
  const allowed = new Map<string, Allowed>()
  const demand = (key: string, one: Allowed) => allowed.set(key, both(allowed.get(key) ?? anything, one))
  for (const [key, value] of Object.entries(matchLabels)) demand(key, oneOf([value]))
  for (const { key, operator, values = [] } of matchExpressions) {
    switch (operator) {
      case 'In':
        demand(key, oneOf(values))
        break
      case 'NotIn':
        demand(key, { ...anything, not: new Set(values) })
        break
      case 'Exists':
        demand(key, { ...anything, absent: false })
        break
      case 'DoesNotExist':
        demand(key, { ...anything, values: new Set() })
    }
  }
  return allowed
}

const oneOf = (values: readonly string[]): Allowed => ({ ...anything, absent: false, values: new Set(values) })

function both(a: Allowed, b: Allowed): Allowed {
  const values = a.values && b.values ? a.values.intersection(b.values) : (a.values ?? b.values)
  return { absent: a.absent && b.absent, values, not: a.not.union(b.not) }
}

function canHold({ absent, values, not }: Allowed): boolean {
  return absent || values === undefined || values.difference(not).size > 0
}

function canBothHold(a: ReadonlyMap<string, Allowed>, b: ReadonlyMap<string, Allowed>): boolean {
  return [...new Set([...a.keys(), ...b.keys()])].every((key) =>
    canHold(both(a.get(key) ?? anything, b.get(key) ?? anything)),
  )
}
