import { holds, type Labels, type Requirement, requirement, SelectorError } from './requirement.ts'

/** A metav1.LabelSelector as JSON has it. */
export interface LabelSelectorSpec {
  readonly matchLabels?: Labels | undefined
  readonly matchExpressions?: readonly RequirementSpec[] | undefined
}

export interface RequirementSpec {
  readonly key: string
  readonly operator: string
  readonly values?: readonly string[] | undefined
}

/** A conjunction of requirements on labels. `toString` is the form of `labelSelector=` and of `kubectl -l`. */
export class LabelSelector {
  static readonly everything = new LabelSelector([])
  /** Its text selects nothing on an API server as well. */
  static readonly nothing = new LabelSelector([requirement('none', 'Exists'), requirement('none', 'DoesNotExist')])

  readonly requirements: readonly Requirement[]

  constructor(requirements: readonly Requirement[]) {
    this.requirements = requirements.toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
  }

  matches(labels: Labels = {}): boolean {
    return this.requirements.every((r) => holds(r, labels))
  }

  toString(): string {
    return this.requirements.map(formatRequirement).join(',')
  }
}

/**
 * As LabelSelectorAsSelector of apimachinery: a missing selector selects nothing, an empty one everything.
 * @throws SelectorError
 */
export function labelSelector(spec: LabelSelectorSpec | undefined): LabelSelector {
  if (spec === undefined) return LabelSelector.nothing
  const labels = Object.entries(spec.matchLabels ?? {}).map(([key, value]) => requirement(key, 'In', [value]))
  const expressions = (spec.matchExpressions ?? []).map(({ key, operator, values }) => {
    if (operator === 'Gt' || operator === 'Lt') {
      throw new SelectorError(`label ${key}: ${operator} is for node affinity, a label selector does not have it`)
    }
    return requirement(key, operator, values)
  })
  return new LabelSelector([...labels, ...expressions])
}

function formatRequirement({ key, operator, values }: Requirement): string {
  const list = values.toSorted().join(',')
  switch (operator) {
    case 'In':
      return values.length === 1 ? `${key}=${list}` : `${key} in (${list})`
    case 'NotIn':
      return values.length === 1 ? `${key}!=${list}` : `${key} notin (${list})`
    case 'Exists':
      return key
    case 'DoesNotExist':
      return `!${key}`
    case 'Gt':
      return `${key}>${list}`
    case 'Lt':
      return `${key}<${list}`
  }
}
