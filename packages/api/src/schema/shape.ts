import type { TSchema } from 'typebox'
import type { TLocalizedValidationError } from 'typebox/error'
import { Value } from 'typebox/value'
import { isObject, type JsonSchema } from './json.ts'
import { meaningOf } from './patterns.ts'
import { fieldPath, type Problem } from './problem.ts'

function quoted(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length > 60 ? `${text.slice(0, 57)}...` : text
}

const invalid = (schema: JsonSchema, value: unknown) =>
  schema.secret ? 'Invalid value' : `Invalid value: ${quoted(value)}`

/** An error about a scalar in the words of Kubernetes' field errors (k8s.io/apimachinery/pkg/util/validation/field). */
function messageOf(error: TLocalizedValidationError, schema: JsonSchema, value: unknown): string {
  switch (error.keyword) {
    case 'enum':
      return `Unsupported value: ${quoted(value)}: supported values: ${error.params.allowedValues.map(quoted).join(', ')}`
    case 'type':
      return `${invalid(schema, value)}: must be of type ${error.params.type}`
    case 'pattern':
      return `${invalid(schema, value)}: must be ${meaningOf(String(error.params.pattern))}`
    case 'maxLength':
      return `Too long: may not be more than ${error.params.limit} characters`
    default:
      return `${invalid(schema, value)}: ${error.message}`
  }
}

const tooMany = (size: number, limit = Number.POSITIVE_INFINITY) =>
  size > limit ? [`Too many: ${size}: must have at most ${limit} items`] : []

/** Items of a list that is a map by some of their fields, and have the same as an earlier one. */
function duplicates({ listMapKeys }: JsonSchema, items: readonly unknown[], path: string): Problem[] {
  if (listMapKeys === undefined) return []
  const keys = items.map((item) => {
    return JSON.stringify(listMapKeys.map((name) => [name, isObject(item) ? item[name] : undefined]))
  })
  return keys.flatMap((key, i) =>
    keys.indexOf(key) < i
      ? [
          {
            path: fieldPath(path, i),
            message: `Duplicate value: ${JSON.stringify(Object.fromEntries(JSON.parse(key) as [string, unknown][]))}`,
          },
        ]
      : [],
  )
}

/** What is wrong with the value itself, not with what it contains. TypeBox judges scalars. */
export function shapeProblems(schema: JsonSchema, value: unknown, path: string): Problem[] {
  const here = (messages: string[]): Problem[] => messages.map((message) => ({ path, message }))
  if (schema.type === 'array') {
    if (!Array.isArray(value)) return here([`${invalid(schema, value)}: must be of type array`])
    return [...here(tooMany(value.length, schema.maxItems)), ...duplicates(schema, value, path)]
  }
  if (schema.type !== 'object') {
    return here(Value.Errors(schema as TSchema, value).map((error) => messageOf(error, schema, value)))
  }
  if (!isObject(value)) return here([`${invalid(schema, value)}: must be of type object`])
  const missing = (schema.required ?? []).filter((name) => !Object.hasOwn(value, name))
  const unknown =
    schema.additionalProperties === false
      ? Object.keys(value).filter((name) => !Object.hasOwn(schema.properties ?? {}, name))
      : []
  return [
    ...here(tooMany(Object.keys(value).length, schema.maxProperties)),
    ...missing.map((name) => ({ path: fieldPath(path, name), message: 'Required value' })),
    ...unknown.map((name) => ({ path: fieldPath(path, name), message: 'Unknown field' })),
  ]
}
