import { hash } from 'node:crypto'

/** Of one length, so that they compare as the numbers that they are. */
const weightOf = (key: string, name: string): string => hash('sha256', `${key}\0${name}`)

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
