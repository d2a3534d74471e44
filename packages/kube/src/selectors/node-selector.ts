import { LabelSelector, type RequirementSpec } from './label-selector.ts'
import { type Labels, requirement, SelectorError } from './requirement.ts'

/** A NodeSelectorTerm of core/v1 as JSON has it. */
export interface NodeSelectorTermSpec {
  readonly matchExpressions?: readonly RequirementSpec[] | undefined
  readonly matchFields?: readonly RequirementSpec[] | undefined
}

/** What node affinity looks at. */
export interface NodeLike {
  readonly metadata?: { readonly name?: string; readonly labels?: Labels }
}

interface Term {
  readonly labels: LabelSelector
  readonly fields: readonly FieldTerm[]
}

/** A condition on a field. Nodes have `metadata.name` only; any other is empty. */
interface FieldTerm {
  readonly field: string
  readonly value: string
  /** Whether it has to be this value, or any other. */
  readonly isWanted: boolean
}

/**
 * Terms of which one has to hold, as k8s.io/component-helpers/scheduling/corev1/nodeaffinity has it: an empty term holds
 * for no node, neither does one that cannot be understood.
 */
export class NodeSelector {
  /** What is wrong with terms that are left out. */
  readonly problems: readonly SelectorError[]
  readonly #terms: readonly Term[]

  constructor(terms: readonly NodeSelectorTermSpec[]) {
    const problems: SelectorError[] = []
    this.#terms = terms.filter(hasContent).flatMap((spec) => {
      const term = attempt(() => compile(spec))
      if (!(term instanceof SelectorError)) return [term]
      problems.push(term)
      return []
    })
    this.problems = problems
  }

  matches(node: NodeLike): boolean {
    const labels = node.metadata?.labels ?? {}
    return this.#terms.some((term) => term.labels.matches(labels) && term.fields.every((field) => isMet(field, node)))
  }
}

function isMet({ field, value, isWanted }: FieldTerm, { metadata }: NodeLike): boolean {
  const actual = field === 'metadata.name' ? (metadata?.name ?? '') : ''
  return (actual === value) === isWanted
}

function hasContent({ matchExpressions, matchFields }: NodeSelectorTermSpec): boolean {
  return (matchExpressions?.length ?? 0) + (matchFields?.length ?? 0) > 0
}

function compile({ matchExpressions = [], matchFields = [] }: NodeSelectorTermSpec): Term {
  return {
    labels: new LabelSelector(matchExpressions.map((r) => requirement(r.key, r.operator, r.values))),
    fields: matchFields.map(fieldTerm),
  }
}

function fieldTerm({ key, operator, values = [] }: RequirementSpec): FieldTerm {
  const [value] = values
  if ((operator !== 'In' && operator !== 'NotIn') || value === undefined || values.length > 1) {
    throw new SelectorError(
      `field ${key}: matchFields takes In and NotIn with one value, not ${operator} with ${values.length}`,
    )
  }
  return { field: key, value, isWanted: operator === 'In' }
}

function attempt<T>(make: () => T): T | SelectorError {
  try {
    return make()
  } catch (error) {
    if (error instanceof SelectorError) return error
    throw error
  }
}
