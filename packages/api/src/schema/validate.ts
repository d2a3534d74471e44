import type { TSchema } from 'typebox'
import { isObject, type JsonSchema, jsonSchema } from './json.ts'
import { fieldPath, type Problem } from './problem.ts'
import { shapeProblems } from './shape.ts'

interface Findings {
  readonly malformed: Problem[]
  readonly brokenRules: Problem[]
}

/** The parts of a value that the schema knows. */
function partsOf(schema: JsonSchema, value: unknown): [step: string | number, schema: JsonSchema, value: unknown][] {
  const { properties = {}, items, additionalProperties } = schema
  if (Array.isArray(value)) return items === undefined ? [] : value.map((item, index) => [index, items, item])
  if (!isObject(value)) return []
  return Object.entries(value).flatMap(([name, part]) => {
    if (Object.hasOwn(properties, name)) return [[name, properties[name] as JsonSchema, part]]
    return typeof additionalProperties === 'object' ? [[name, additionalProperties, part]] : []
  })
}

function inspect(schema: JsonSchema, value: unknown, path: string): Findings {
  const parts = partsOf(schema, value).map(([step, part, field]) => inspect(part, field, fieldPath(path, step)))
  const malformed = [...shapeProblems(schema, value, path), ...parts.flatMap((part) => part.malformed)]
  const rules = malformed.length === 0 ? (schema.rules ?? []) : []
  return {
    malformed,
    brokenRules: [
      ...rules.filter(({ check }) => !check(value)).map(({ message }) => ({ path, message })),
      ...parts.flatMap((part) => part.brokenRules),
    ],
  }
}

/**
 * All problems of a value at once: its shape, then the rules on every part whose shape is right.
 * @param path where the value is in its object
 */
export function problemsWith(schema: TSchema, value: unknown, path: string): Problem[] {
  const { malformed, brokenRules } = inspect(jsonSchema(schema), value, path)
  return [...malformed, ...brokenRules]
}
