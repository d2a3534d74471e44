import type { TSchema } from 'typebox'
import { isObject, type JsonSchema, jsonSchema } from './json.ts'

/** Structural defaulting: TypeBox's Value.Default differs for null and for lists where an object belongs. */
function defaulted(schema: JsonSchema, value: unknown): unknown {
  const { properties = {}, items, additionalProperties } = schema
  if (Array.isArray(value)) return items === undefined ? value : value.map((item) => defaulted(items, item))
  if (!isObject(value)) return value
  const mapValue = typeof additionalProperties === 'object' ? additionalProperties : undefined
  const result = new Map<string, unknown>()
  for (const [name, field] of Object.entries(value)) {
    const known = Object.hasOwn(properties, name) ? properties[name] : mapValue
    if (known === undefined) result.set(name, field)
    else if (field !== null && field !== undefined) result.set(name, defaulted(known, field))
  }
  for (const [name, property] of Object.entries(properties)) {
    if (property.default === undefined || result.has(name)) continue
    result.set(name, defaulted(property, structuredClone(property.default)))
  }
  return Object.fromEntries(result)
}

/**
 * A copy in which the defaults of the schema stand where nothing was set, as the API server would return it
 * (k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting): null is nothing, since no field of ours is nullable.
 */
export function withDefaults(schema: TSchema, value: unknown): unknown {
  return defaulted(jsonSchema(schema), value)
}
