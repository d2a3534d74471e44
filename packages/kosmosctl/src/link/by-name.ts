const collator = new Intl.Collator('en', { numeric: true })

/** As people count: n2 before n10. */
export const byName = (a: { readonly name: string }, b: { readonly name: string }): number =>
  collator.compare(a.name, b.name)
