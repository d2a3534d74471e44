import type { ResourceSelector } from '@kosmos/api'
import {
  type CompiledDistribution,
  type CompiledSelector,
  compareSelectors,
  isBefore,
} from './compiled-distribution.ts'

/** Policies of the same scope that decide otherwise about pods that a policy selects just as directly. Pure. */
export function contestersOf(policy: CompiledDistribution, others: Iterable<CompiledDistribution>): string[] {
  const contesters: string[] = []
  for (const other of others) {
    if (other.key === policy.key || !isBefore(other, policy)) continue
    const isContested = policy.selectors.some((mine) => other.selectors.some((theirs) => contests(theirs, mine)))
    if (isContested) contesters.push(other.key)
  }
  return contesters.sort()
}

function contests(a: CompiledSelector, b: CompiledSelector): boolean {
  const isAlike = JSON.stringify(a.distribution.constraints) === JSON.stringify(b.distribution.constraints)
  if (isAlike || compareSelectors(a, b) !== 0 || a.text !== b.text) return false
  return !(a.labels && b.labels && areDisjoint(a.labels, b.labels))
}

type Labels = NonNullable<ResourceSelector['labelSelector']>
type Requirement = NonNullable<Labels['matchExpressions']>[number]

/** Whether no pod can have labels that both select, as far as one key alone shows it. */
function areDisjoint(a: Labels, b: Labels): boolean {
  const all = [...requirementsOf(a), ...requirementsOf(b)]
  return all.some((one) => all.some((other) => one.key === other.key && excludes(one, other)))
}

function requirementsOf({ matchLabels = {}, matchExpressions = [] }: Labels): Requirement[] {
  const equal = Object.entries(matchLabels).map(([key, value]) => ({ key, operator: 'In' as const, values: [value] }))
  return [...equal, ...matchExpressions]
}

function excludes(a: Requirement, b: Requirement): boolean {
  const [values, others] = [a.values ?? [], b.values ?? []]
  if (b.operator === 'DoesNotExist') return a.operator === 'In' || a.operator === 'Exists'
  if (a.operator !== 'In') return false
  if (b.operator === 'In') return !values.some((value) => others.includes(value))
  return b.operator === 'NotIn' && values.every((value) => others.includes(value))
}
