import { createHash } from 'node:crypto'

const weightOf = (key: string, name: string): bigint =>
  createHash('sha256').update(`${key}\0${name}`).digest().readBigUInt64BE()

/**
 * Names in an order that everybody finds by himself: highest random weight (Thaler and Ravishankar, 1998). One name more
 * or less changes nothing about the order of the others.
 */
export function byRendezvous(key: string, names: Iterable<string>): string[] {
  return [...names]
    .map((name) => ({ name, weight: weightOf(key, name) }))
    .sort((a, b) => (a.weight === b.weight ? (a.name < b.name ? -1 : 1) : a.weight < b.weight ? 1 : -1))
    .map(({ name }) => name)
}
