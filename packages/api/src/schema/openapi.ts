import type { Rule } from './build.ts'
import { type JsonSchema, requiredFields } from './json.ts'

const validations = (rules: readonly Rule[]) => rules.map(({ cel, message }) => ({ rule: cel, message }))

/** A schema as the structural OpenAPI v3 schema of a CustomResourceDefinition (apiextensions.k8s.io/v1). */
export function openApiSchema(schema: JsonSchema): Record<string, unknown> {
  const {
    properties,
    required,
    items,
    additionalProperties,
    rules,
    listType,
    listMapKeys,
    description,
    secret: _,
    ...rest
  } = schema
  const mandatory = requiredFields(schema)
  return {
    ...(description === undefined ? {} : { description }),
    type: 'string',
    ...rest,
    ...(mandatory.length > 0 ? { required: mandatory } : {}),
    ...(properties === undefined || Object.keys(properties).length === 0
      ? {}
      : { properties: Object.fromEntries(Object.entries(properties).map(([name, s]) => [name, openApiSchema(s)])) }),
    ...(typeof additionalProperties === 'object' ? { additionalProperties: openApiSchema(additionalProperties) } : {}),
    ...(items === undefined ? {} : { items: openApiSchema(items) }),
    ...(listType === undefined ? {} : { 'x-kubernetes-list-type': listType }),
    ...(listMapKeys === undefined ? {} : { 'x-kubernetes-list-map-keys': listMapKeys }),
    ...(rules === undefined ? {} : { 'x-kubernetes-validations': validations(rules) }),
  }
}
