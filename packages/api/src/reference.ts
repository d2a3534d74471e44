import type { ConditionTable } from './schema/condition.ts'
import { type JsonSchema, jsonSchema, requiredFields } from './schema/json.ts'
import type { Kind } from './schema/kind.ts'
import { meaningOf } from './schema/patterns.ts'

/** Text that Markdown shows as it is. */
const prose = (text: string) => text.replace(/[<>*_[\]]/g, '\\$&')
const cell = (text: string) => text.replaceAll('|', '\\|')
const code = (value: unknown) => `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``

const row = (...cells: string[]) => `| ${cells.map(cell).join(' | ')} |`
const table = (head: string[], rows: string[][]) => [
  row(...head),
  row(...head.map(() => '---')),
  ...rows.map((r) => row(...r)),
]

function typeOf(schema: JsonSchema): string {
  if (schema.enum !== undefined) return schema.enum.map(code).join(', ')
  if (schema.items !== undefined) return `list of ${typeOf(schema.items)}`
  if (typeof schema.additionalProperties === 'object') return `map of string to ${typeOf(schema.additionalProperties)}`
  return schema.format === undefined ? (schema.type ?? 'string') : `${schema.type} (${schema.format})`
}

function limitsOf(schema: JsonSchema): string[] {
  const { maxLength, maxItems, maxProperties, pattern, minimum } = schema
  return [
    ...(maxLength === undefined ? [] : [`at most ${maxLength} characters`]),
    ...(maxItems === undefined ? [] : [`at most ${maxItems} items`]),
    ...(maxProperties === undefined ? [] : [`at most ${maxProperties} entries`]),
    ...(minimum === undefined ? [] : [`at least ${minimum}`]),
    ...(pattern === undefined ? [] : [prose(meaningOf(pattern))]),
  ]
}

const rulesOf = (schema: JsonSchema) => (schema.rules ?? []).map(({ message }) => prose(message))

/** The struct inside a field, behind lists and maps. */
function structIn(schema: JsonSchema, path: string): [path: string, schema: JsonSchema] | undefined {
  if (schema.items !== undefined) return structIn(schema.items, `${path}[]`)
  return Object.keys(schema.properties ?? {}).length > 0 ? [path, schema] : undefined
}

function fieldRow(name: string, field: JsonSchema, required: boolean): string[] {
  const isStruct = Object.keys(field.properties ?? {}).length > 0
  const rules = [...limitsOf(field), ...(isStruct ? [] : rulesOf(field))]
  const value = field.default === undefined ? (required ? 'required' : '') : code(field.default)
  return [code(name), typeOf(field), value, prose(field.description ?? ''), rules.join('; ')]
}

/** A section for a struct, then one for each struct in it. */
function sections(path: string, schema: JsonSchema): string[] {
  const required = requiredFields(schema)
  const fields = Object.entries(schema.properties ?? {})
  const rules = rulesOf(schema)
  return [
    `## ${path}`,
    '',
    prose(schema.description ?? ''),
    '',
    ...table(
      ['field', 'type', 'default', 'description', 'rules'],
      fields.map(([name, field]) => fieldRow(name, field, required.includes(name))),
    ),
    '',
    ...(rules.length === 0 ? [] : ['Rules:', '', ...rules.map((rule) => `- ${rule}.`), '']),
    ...fields.flatMap(([name, field]) => {
      const inner = structIn(field, `${path}.${name}`)
      return inner === undefined ? [] : sections(...inner)
    }),
  ]
}

function conditionSections(conditions: ConditionTable): string[] {
  return Object.entries(conditions).flatMap(([type, reasons]) => [
    `## Condition ${type}`,
    '',
    ...table(
      ['reason', 'status', 'message'],
      Object.entries(reasons).map(([reason, { status, message }]) => [code(reason), status, `${prose(message)}.`]),
    ),
    '',
  ])
}

/** The reference page of a kind, in Markdown. */
export function referencePage(kind: Kind, conditions: ConditionTable): string {
  const scope = kind.scope === 'Cluster' ? 'cluster-scoped' : 'namespaced'
  return [
    `# ${kind.kind} (${kind.group}/${kind.version})`,
    '',
    '<!-- Generated from packages/api by `npm run generate`; do not edit. -->',
    '',
    `${kind.description} ${kind.plural}.${kind.group}, ${scope}${kind.status ? ', with a status subresource' : ''}.`,
    '',
    ...(kind.rules.length === 0 ? [] : ['Rules:', '', ...kind.rules.map(({ message }) => `- ${prose(message)}.`), '']),
    ...sections('spec', jsonSchema(kind.spec)),
    ...(kind.status ? sections('status', jsonSchema(kind.status)) : []),
    ...conditionSections(conditions),
  ]
    .join('\n')
    .trimEnd()
    .concat('\n')
}
