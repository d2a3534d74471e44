import type { TSchema } from 'typebox'
import type { TLocalizedValidationError } from 'typebox/error'
import { Value } from 'typebox/value'
import { isObject, type JsonSchema, jsonSchema } from './json.ts'
import { fieldPath, isWithin, type Problem, problemsOf } from './problem.ts'

/** TypeBox reports an unknown field twice, and a bad value in a map also as an unknown field: keep one error each. */
function withoutEchoes(errors: readonly TLocalizedValidationError[]): TLocalizedValidationError[] {
  const real = errors.filter(({ keyword }) => keyword !== 'boolean')
  const below = (pointer: string) => real.some(({ instancePath: p }) => p === pointer || p.startsWith(`${pointer}/`))
  return real.flatMap((error): TLocalizedValidationError[] => {
    if (error.keyword !== 'additionalProperties') return [error]
    const names = error.params.additionalProperties.filter((name) => {
      return !below(`${error.instancePath}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`)
    })
    return names.length === 0 ? [] : [{ ...error, params: { additionalProperties: names } }]
  })
}

function childrenOf(schema: JsonSchema, value: unknown): [step: string | number, schema: JsonSchema, value: unknown][] {
  const { properties, items, additionalProperties } = schema
  if (Array.isArray(value)) return items === undefined ? [] : value.map((item, index) => [index, items, item])
  if (!isObject(value)) return []
  return Object.entries(value).flatMap(([name, field]) => {
    const child = properties?.[name] ?? (typeof additionalProperties === 'object' ? additionalProperties : undefined)
    return child === undefined || field === undefined ? [] : [[name, child, field]]
  })
}

function brokenRules(schema: JsonSchema, value: unknown, path: string, malformed: readonly Problem[]): Problem[] {
  const wellFormed = !malformed.some((problem) => isWithin(problem.path, path))
  const own = wellFormed ? (schema.rules ?? []).filter(({ check }) => !check(value)) : []
  return [
    ...own.map(({ message }) => ({ path, message })),
    ...childrenOf(schema, value).flatMap(([step, child, field]) =>
      brokenRules(child, field, fieldPath(path, step), malformed),
    ),
  ]
}

/**
 * All problems of a value at once: its shape, then the rules on every part whose shape is right.
 * @param path where the value is in its object
 */
export function problemsWith(schema: TSchema, value: unknown, path: string): Problem[] {
  const errors = withoutEchoes(Value.Errors(schema, value))
  const malformed = errors.flatMap((error) => problemsOf(error, value, path))
  return [...malformed, ...brokenRules(jsonSchema(schema), value, path, malformed)]
}
