import type { TSchema } from 'typebox'
import { Value } from 'typebox/value'
import { isObject } from './json.ts'

/** Drops fields that are null: none of ours is nullable, and the API server prunes such nulls before it defaults. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls)
  if (!isObject(value)) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, field]) => field !== null && field !== undefined)
      .map(([name, field]) => [name, withoutNulls(field)]),
  )
}

/** A copy in which the defaults of the schema stand where nothing was set, as the API server would return it. */
export function withDefaults(schema: TSchema, value: unknown): unknown {
  return Value.Default(schema, withoutNulls(value))
}
