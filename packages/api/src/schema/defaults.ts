import type { TSchema } from 'typebox'
import { Value } from 'typebox/value'
import { isObject, type JsonSchema, jsonSchema } from './json.ts'

/**
 * Drops fields that are null, as the API server does before it defaults, for none of our fields is nullable.
 * Items of lists and values of maps stay.
 */
function withoutNulls(schema: JsonSchema, value: unknown): unknown {
  const { properties = {}, items, additionalProperties } = schema
  if (Array.isArray(value)) return items === undefined ? value : value.map((item) => withoutNulls(items, item))
  if (!isObject(value)) return value
  const entries = Object.entries(value).flatMap(([name, field]): [string, unknown][] => {
    if (field === undefined) return []
    const known = Object.hasOwn(properties, name) ? properties[name] : undefined
    if (known !== undefined) return field === null ? [] : [[name, withoutNulls(known, field)]]
    return [[name, typeof additionalProperties === 'object' ? withoutNulls(additionalProperties, field) : field]]
  })
  return Object.fromEntries(entries)
}

/** A copy in which the defaults of the schema stand where nothing was set, as the API server would return it. */
export function withDefaults(schema: TSchema, value: unknown): unknown {
  return Value.Default(schema, withoutNulls(jsonSchema(schema), value))
}
