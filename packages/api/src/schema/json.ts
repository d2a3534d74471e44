import type { TSchema } from 'typebox'
import type { FieldOptions } from './build.ts'

/** JSON Schema as our schemas use it. */
export interface JsonSchema extends Partial<FieldOptions> {
  readonly type?: string
  readonly default?: unknown
  readonly enum?: readonly string[]
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly required?: readonly string[]
  readonly items?: JsonSchema
  readonly additionalProperties?: boolean | JsonSchema
  readonly format?: string
  readonly pattern?: string
  readonly minLength?: number
  readonly maxLength?: number
  readonly minimum?: number
  readonly maxItems?: number
  readonly maxProperties?: number
}

/** Our schemas are plain JSON Schema with the options of `build.ts`, whatever TypeBox knows about their types. */
export function jsonSchema(schema: TSchema): JsonSchema {
  return schema as JsonSchema
}

/** Fields that a manifest has to set: those without which there is no default either. */
export function requiredFields(schema: JsonSchema): readonly string[] {
  return (schema.required ?? []).filter((field) => schema.properties?.[field]?.default === undefined)
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
