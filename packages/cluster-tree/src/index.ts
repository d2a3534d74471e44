export { type Reference, references } from './pods/references.ts'
export { isCopied as isCopiedService } from './services/copy.ts'
export { tokenSecretName, tokenWishes } from './tokens/wishes.ts'
export { claimsOf } from './volumes/claim.ts'
