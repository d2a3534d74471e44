import { clusterKind } from '../cluster/cluster.ts'
import type { Rule } from '../schema/build.ts'
import { type JsonSchema, jsonSchema } from '../schema/json.ts'

function* rulesIn(schema: JsonSchema): Generator<Rule> {
  yield* schema.rules ?? []
  for (const field of Object.values(schema.properties ?? {})) yield* rulesIn(field)
  if (schema.items) yield* rulesIn(schema.items)
  if (typeof schema.additionalProperties === 'object') yield* rulesIn(schema.additionalProperties)
}

/** The sentences of all rules of a Cluster. */
export const clusterRules: ReadonlySet<string> = new Set(
  [
    clusterKind.rules,
    ...[clusterKind.spec, clusterKind.status].map((part) => (part ? [...rulesIn(jsonSchema(part))] : [])),
  ]
    .flat()
    .map(({ message }) => message),
)
