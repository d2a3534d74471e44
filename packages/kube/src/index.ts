export type * from './objects/types.ts'
export * from './objects/resources.ts'
export * from './objects/key.ts'
