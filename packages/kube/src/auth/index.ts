/** Who calls a port of ours, and may they: asked of an API server, and remembered for a while. */
export { type AccessOptions, createReviewAccess, type ReviewAccess } from './access.ts'
export { bearerTokenOf, createIdentifyToken, type IdentifyToken, type TokenOptions } from './token.ts'
export type { User } from './user.ts'
