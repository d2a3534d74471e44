/** More than this of a kind are counted, not listed. */
const LISTED = 3

/** The first few of many, and how many more there are. */
export function listed(items: readonly string[]): string {
  const rest = items.length - LISTED
  return [...items.slice(0, LISTED), ...(rest > 0 ? [`${rest} more`] : [])].join(', ')
}
