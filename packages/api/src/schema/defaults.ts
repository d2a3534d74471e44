import type { TSchema } from 'typebox'
import { Value } from 'typebox/value'
import { isObject, type JsonSchema, jsonSchema } from './json.ts'

/** Drops fields and map values that are null, as the API server does before it defaults: nothing of ours is nullable. */
function withoutNulls(schema: JsonSchema, value: unknown): unknown {
  const { properties = {}, items, additionalProperties } = schema
  if (Array.isArray(value)) return items === undefined ? value : value.map((item) => withoutNulls(items, item))
  if (!isObject(value)) return value
  const mapValue = typeof additionalProperties === 'object' ? additionalProperties : undefined
  const entries = Object.entries(value).flatMap(([name, field]): [string, unknown][] => {
    const known = Object.hasOwn(properties, name) ? properties[name] : mapValue
    if (field === undefined || (field === null && known !== undefined)) return []
    return [[name, known === undefined ? field : withoutNulls(known, field)]]
  })
  return Object.fromEntries(entries)
}

/** A copy in which the defaults of the schema stand where nothing was set, as the API server would return it. */
export function withDefaults(schema: TSchema, value: unknown): unknown {
  return Value.Default(schema, withoutNulls(jsonSchema(schema), value))
}
