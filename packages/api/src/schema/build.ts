import Type, { type Static, type TProperties, type TSchema, type TSchemaOptions } from 'typebox'

/** A rule that the API server evaluates as CEL and the CLI as a function; both have to agree. */
export interface Rule {
  /** CEL, `self` is the value the rule stands at. */
  readonly cel: string
  /** What a person reads when the rule is broken: a sentence without a full stop. */
  readonly message: string
  readonly check: (self: unknown) => boolean
}

interface RuleOf<T> {
  readonly cel: string
  readonly message: string
  readonly check: (self: T) => boolean
}

/** Options of a field beyond JSON Schema; they become `x-kubernetes-*` in the CRD. */
export interface FieldOptions {
  readonly description: string
  readonly rules?: readonly Rule[]
  readonly listType?: 'atomic' | 'set' | 'map'
  readonly listMapKeys?: readonly string[]
  /** Messages do not repeat the value. */
  readonly secret?: boolean
}

/** Attaches a rule's type to the schema it stands at. The check only runs on values of the right shape. */
export function ruleFor<T>(rule: RuleOf<T>): Rule {
  return { ...rule, check: rule.check as (self: unknown) => boolean }
}

/** An object with named fields and no others. */
export function struct<P extends TProperties>(properties: P, options: FieldOptions & TSchemaOptions) {
  return Type.Object(properties, { ...options, additionalProperties: false })
}

/** A map from strings to values. */
export function mapOf<S extends TSchema>(values: S, options: FieldOptions & { readonly maxProperties: number }) {
  return Type.Unsafe<Record<string, Static<S>>>(
    Type.Object({}, { ...options, additionalProperties: values as unknown as TSchema }),
  )
}
