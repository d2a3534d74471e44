/** Values of which not every text will do. */
const choices: Readonly<Record<string, readonly string[]>> = { logLevel: ['debug', 'info', 'warn', 'error'] }

/**
 * values.schema.json, by which Helm refuses names that are no values, and values of another type than their defaults: a
 * template would ignore the ones, and pods fail by the others. Pure.
 */
export function valuesSchema(defaults: Readonly<Record<string, unknown>>): string {
  const properties = Object.entries(defaults).map(([name, value]) => [name, schemaOf(name, value)])
  const schema = {
    $schema: 'https://json-schema.org/draft-07/schema#',
    type: 'object',
    // Helm adds `global` where the chart is a part of another.
    properties: { ...Object.fromEntries(properties), global: { type: 'object' } },
    additionalProperties: false,
    required: Object.keys(defaults).filter((name) => typeof defaults[name] === 'string'),
  }
  // Short lists on a line, as the formatter has them.
  const text = JSON.stringify(schema, null, 2).replaceAll(/\[\s+([^[\]{}]*?)\s+\]/g, (_, items: string) => {
    return `[${items.replaceAll(/\s+/g, ' ')}]`
  })
  return `${text}\n`
}

function schemaOf(name: string, value: unknown): object {
  if (choices[name] !== undefined) return { enum: choices[name] }
  if (typeof value === 'number') return { type: 'integer', minimum: 0 }
  if (typeof value === 'string') return { type: 'string', minLength: 1 }
  return { type: typeof value }
}
