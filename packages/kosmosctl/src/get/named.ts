import { Failure } from '../terminal/failure.ts'
import type { Listing } from './listing.ts'

/** What of a listing has one of these names; all of it without names. @throws Failure for a name that nothing has */
export function onlyNamed(listing: Listing, what: string, names: readonly string[]): Listing {
  if (names.length === 0) return listing
  const has = new Set(listing.items.map(({ metadata }) => metadata?.name))
  const missing = names.filter((name) => !has.has(name))
  if (missing.length > 0) {
    throw new Failure(`there are no ${what} named ${missing.map((name) => `"${name}"`).join(', ')}`, {
      next: `kosmosctl get ${what}${what === 'pods' ? ' -A' : ''} lists those that there are`,
    })
  }
  const isWanted = ({ metadata }: Listing['items'][number]) => names.includes(metadata?.name ?? '')
  return {
    ...listing,
    items: listing.items.filter(isWanted),
    rows: listing.rows.filter((_, at) => listing.items.slice(at, at + 1).some(isWanted)),
  }
}
