/** More than this of a kind tell a person less than their number. */
const MANY = 6

/** The first few of many, and how many more there are. */
export function some(items: readonly string[]): string {
  const rest = items.length - MANY
  return [...items.slice(0, MANY), ...(rest > 0 ? [`${rest} more`] : [])].join(', ')
}
