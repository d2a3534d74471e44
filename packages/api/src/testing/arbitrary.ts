import fc from 'fast-check'
import type { TSchema } from 'typebox'
import { withDefaults } from '../schema/defaults.ts'
import type { JsonSchema } from '../schema/json.ts'
import { labelKeyPattern } from '../schema/patterns.ts'

type Json = fc.Arbitrary<unknown>

const cidr4 = fc.tuple(fc.ipV4(), fc.integer({ min: 0, max: 32 })).map(([ip, bits]) => `${ip}/${bits}`)
const cidr6 = fc.tuple(fc.ipV6(), fc.integer({ min: 0, max: 128 })).map(([ip, bits]) => `${ip}/${bits}`)
const globalCidrs = fc
  .array(fc.tuple(fc.ipV4(), fc.ipV4(), fc.integer({ min: 0, max: 32 })), { maxLength: 3 })
  .map((entries) => Object.fromEntries(entries.map(([from, to, bits]) => [`${from}/${bits}`, `${to}/${bits}`])))

const endpoint = fc
  .tuple(fc.oneof(fc.ipV4(), fc.constantFrom('[2001:db8::1]', '[::]')), fc.option(fc.integer({ min: 1, max: 65_535 })))
  .map(([host, port]) => (port === null ? host : `${host}:${port}`))
const byNode = (values: fc.Arbitrary<string>) =>
  fc.dictionary(fc.constantFrom('n1', 'n2'), values, { noNullPrototype: true })

/** With one character replaced, doubled or left out: nearly right. */
const nearly = (right: fc.Arbitrary<string>) =>
  fc
    .tuple(right, fc.nat(), fc.constantFrom('', '0', '1', 'f', 'g', '.', ':', '::', '/', '%', ' ', ']', 'ffff:'))
    .map(([text, n, other]) => {
      const at = n % text.length
      return text.slice(0, at) + other + text.slice(at + (n % 2))
    })
const nearlyCidr = nearly(fc.oneof(cidr4, cidr6))
const nearlyEndpoint = nearly(
  fc.oneof(
    endpoint,
    fc.ipV6().map((ip) => `[${ip}]`),
  ),
)
/** One entry of a map of CIDRs that need not fit together. */
const nearlyGlobalCidrs = fc
  .tuple(fc.oneof(cidr4, cidr6, nearlyCidr), fc.oneof(cidr4, cidr6, nearlyCidr))
  .map(([from, to]) => ({ [from]: to }))

const listOf = (cidr: fc.Arbitrary<string>) => fc.array(cidr, { maxLength: 3 })

/** Good values of fields that a rule restricts more than their type does. */
const byField: Readonly<Record<string, Json>> = {
  ip: fc.oneof(fc.constant(''), cidr4),
  ip6: fc.oneof(fc.constant(''), fc.constantFrom('9480::/16', 'fd00::1/64', '::/0')),
  podCIDRs: listOf(fc.oneof(cidr4, fc.constantFrom('fd00:10::/56', '::/0'))),
  serviceCIDRs: listOf(fc.oneof(cidr4, fc.constantFrom('fd00:96::/112'))),
  endpoints: byNode(endpoint),
  globalCIDRsMap: globalCidrs,
  autodetectionMethod: fc.constantFrom('', 'first-found', 'can-reach=8.8.8.8', 'interface=eth.*', 'cidr=10.0.0.0/8'),
}

/** Values of the same fields that are nearly right; of a map of CIDRs, one entry. */
const nearlyByField: Readonly<Record<string, Json>> = {
  podCIDRs: listOf(nearlyCidr),
  serviceCIDRs: listOf(nearlyCidr),
  endpoints: byNode(nearlyEndpoint),
  globalCIDRsMap: nearlyGlobalCidrs,
}

function goodString({ pattern, minLength = 0, maxLength = 20 }: JsonSchema): Json {
  if (pattern === undefined) return fc.string({ minLength, maxLength: Math.min(maxLength, 20) })
  return fc.stringMatching(new RegExp(pattern)).filter((s) => s.length >= minLength && s.length <= maxLength)
}

/** Values that are wrong somewhere, or just unusual. */
const oddities: Json = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    0,
    1.5,
    true,
    '',
    '*',
    ' ',
    'a'.repeat(64),
    'a'.repeat(400),
    [],
    [null],
    {},
    { a: null },
  ),
  fc.constantFrom('Not_A_Name', 'UPPER', '-a', 'a-', 'a..b', 'a/b/c', 'é', '=', 'QQ=', 'QQ==', 'x=y', 'interface= '),
  fc.constantFrom(
    '10.0.0.0/33',
    '010.0.0.0/8',
    '10.0.0.0/08',
    '10.0.0.0',
    '::ffff:1.2.3.4/96',
    'fe80::1%eth0/64',
    '::/129',
  ),
  fc.constantFrom<unknown>(
    { '10.0.0.0/16': '11.0.0.0/24' },
    { '10.0.0.0/16': 'fd00::/16' },
    { 'a b': 'c' },
    { a: 'b c' },
  ),
  cidr4,
  cidr6,
)

/**
 * Values of a schema. Without `odd` they obey it and its rules; with it, each part of a value is odd with
 * one chance in `odd`.
 */
export function valuesOf(schema: JsonSchema, odd?: number, field = ''): Json {
  const good = goodValues(schema, odd, field)
  return odd === undefined ? good : fc.oneof({ weight: odd - 1, arbitrary: good }, { weight: 1, arbitrary: oddities })
}

function goodValues(schema: JsonSchema, odd: number | undefined, field: string): Json {
  const known = byField[field]
  if (known !== undefined) {
    const nearly = nearlyByField[field] ?? nearlyCidr
    return odd === undefined ? known : fc.oneof({ weight: odd, arbitrary: known }, { weight: 3, arbitrary: nearly })
  }
  const value = shapedValues(schema, odd)
  const rules = schema.rules ?? []
  return odd === undefined && rules.length > 0
    ? value.filter((v) => rules.every(({ check }) => check(withDefaults(schema as TSchema, v))))
    : value
}

function shapedValues(schema: JsonSchema, odd: number | undefined): Json {
  const { properties, items, additionalProperties, required = [] } = schema
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum)
  if (items !== undefined) return fc.array(valuesOf(items, odd), { maxLength: 3 })
  if (typeof additionalProperties === 'object') {
    const keys = fc.stringMatching(new RegExp(labelKeyPattern)).filter((key) => key.length <= 63)
    return fc.dictionary(keys, valuesOf(additionalProperties, odd), { maxKeys: 3, noNullPrototype: true })
  }
  if (properties !== undefined) {
    const entries = Object.entries(properties).map(([name, s]): [string, Json] => [name, valuesOf(s, odd, name)])
    const fields: Record<string, Json> = Object.fromEntries(entries)
    const record = (model: Record<string, Json>, requiredKeys: readonly string[]) =>
      fc.record(model, { requiredKeys: [...requiredKeys], noNullPrototype: true })
    if (odd === undefined)
      return record(
        fields,
        required.filter((name) => properties[name]?.default === undefined),
      )
    return fc.oneof(
      { weight: 3 * odd, arbitrary: record(fields, required) },
      { weight: odd, arbitrary: record(fields, []) },
      { weight: 1, arbitrary: record({ ...fields, surprise: fc.constant(1) }, required) },
    )
  }
  if (schema.type === 'boolean') return fc.boolean()
  if (schema.type === 'integer') return fc.integer({ min: schema.minimum ?? 0, max: 1000 })
  return goodString(schema)
}
