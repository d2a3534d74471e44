import { canonicalNetwork, contains, type Family, familyOf, parseNetwork } from '../net/cidr.ts'

/** Of the family inet: IPv4 and IPv6 in one. */
export const tableName = 'kosmos_link'

/** A base chain; an empty one is left out. */
export function chain(name: string, hook: string, rules: readonly string[]): string {
  if (rules.length === 0) return ''
  return `\tchain ${name} {\n\t\t${hook}; policy accept;\n${rules.map((rule) => `\t\t${rule}\n`).join('')}\t}\n`
}

export const quoted = (name: string): string => `"${name}"`

/** An anonymous set, in an order that does not depend on the order of the entries. */
export function setOf(items: Iterable<string>): string {
  return `{ ${[...new Set(items)].sort().join(', ')} }`
}

/** The header of a family in an expression. */
export const header = (family: Family): 'ip' | 'ip6' => (family === 4 ? 'ip' : 'ip6')

export const families: readonly Family[] = [4, 6]

/** Networks of one family that are in no other of them: intervals of a set must not overlap. */
export function outermost(cidrs: Iterable<string>, family: Family): string[] {
  const outer: string[] = []
  for (const { network } of sortedNetworks(cidrs, family)) {
    const last = outer.at(-1)
    if (last === undefined || !contains(last, network)) outer.push(network)
  }
  return outer
}

/** Networks of one family in an order in which whoever contains others comes right before them. */
export function sortedNetworks(cidrs: Iterable<string>, family: Family): { cidr: string; network: string }[] {
  return [...cidrs]
    .filter((cidr) => familyOf(cidr) === family)
    .map((cidr) => ({ cidr, network: canonicalNetwork(cidr) }))
    .map((entry) => ({ ...entry, ...parseNetwork(entry.network) }))
    .sort((a, b) => Number(a.value - b.value > 0n) - Number(a.value - b.value < 0n) || a.prefixLength - b.prefixLength)
}
