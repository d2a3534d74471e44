/** Decoded parts of the path. */
export type RouteParams = Readonly<Record<string, string | undefined>>
