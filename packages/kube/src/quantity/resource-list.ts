import { parseQuantity } from './parse.ts'
import type { Quantity } from './quantity.ts'

/** Amounts by resource name, as `resources.requests` and `status.allocatable` have them. */
export type ResourceList = ReadonlyMap<string, Quantity>

/**
 * Reads a list as the core API does, which keeps thousandths and rounds up what is finer (SetDefaults_ResourceList).
 * @throws QuantityError for the first bad entry
 */
export function parseResources(resources: Readonly<Record<string, string | number>> | undefined): ResourceList {
  return new Map(Object.entries(resources ?? {}).map(([name, text]) => [name, parseQuantity(text).roundUpToMilli()]))
}

/** The inverse of {@link parseResources}, in the order of names. */
export function formatResources(list: ResourceList): Record<string, string> {
  return Object.fromEntries([...list].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, q]) => [name, q.toString()]))
}

/** Every resource of either list; what one lacks counts as zero. As quota.Add of k8s.io/apiserver. */
export function addResources(a: ResourceList, b: ResourceList): ResourceList {
  const sum = new Map(a)
  for (const [name, quantity] of b) sum.set(name, sum.get(name)?.add(quantity) ?? quantity)
  return sum
}

/** Every resource of either list; results may be negative. As quota.Subtract. */
export function subtractResources(a: ResourceList, b: ResourceList): ResourceList {
  const difference = new Map(a)
  for (const [name, quantity] of b) difference.set(name, difference.get(name)?.sub(quantity) ?? quantity.negate())
  return difference
}

/** Every resource of either list, the larger amount where both have it. As quota.Max. */
export function maxResources(a: ResourceList, b: ResourceList): ResourceList {
  const larger = new Map(a)
  for (const [name, quantity] of b) larger.set(name, larger.get(name)?.max(quantity) ?? quantity)
  return larger
}

/** The same amounts of the same resources; a resource at zero is not the same as one that is missing. As quota.Equals. */
export function equalResources(a: ResourceList, b: ResourceList): boolean {
  if (a.size !== b.size) return false
  for (const [name, quantity] of a) {
    const other = b.get(name)
    if (other === undefined || !quantity.equals(other)) return false
  }
  return true
}
