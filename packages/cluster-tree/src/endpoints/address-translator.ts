/**
 * At which address what one cluster calls so is reached from another; undefined: at none. There is one for each pair of clusters:
 * where a network between them translates addresses, this is where it says so.
 */
export type AddressTranslator = (address: string) => string | undefined

/** What lies outside of both clusters is reached at the same address from either. */
export const sameAddress: AddressTranslator = (address) => address
