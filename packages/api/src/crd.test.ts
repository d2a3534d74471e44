import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { clusterKind } from './cluster/cluster.ts'
import { customResourceDefinition } from './crd.ts'

interface Schema {
  type: string
  description?: string
  properties?: Record<string, Schema>
  items?: Schema
  additionalProperties?: Schema
  enum?: string[]
  maxLength?: number
  maxItems?: number
  maxProperties?: number
  required?: string[]
}

const version = customResourceDefinition(clusterKind).spec.versions[0]
assert.ok(version)
const root = version.schema.openAPIV3Schema as unknown as Schema

/** Every schema in a schema, with its path. */
function* walk(schema: Schema, path: string): Generator<[string, Schema]> {
  yield [path, schema]
  for (const [name, field] of Object.entries(schema.properties ?? {})) yield* walk(field, `${path}.${name}`)
  if (schema.items) yield* walk(schema.items, `${path}[]`)
  if (schema.additionalProperties) yield* walk(schema.additionalProperties, `${path}{}`)
}
const fields = ['spec', 'status'].flatMap((name) => {
  const schema = root.properties?.[name]
  assert.ok(schema)
  return [...walk(schema, name)]
})

describe('the CRD of Cluster', () => {
  it('explains every field', () => {
    const silent = fields.filter(([, { description }]) => !description?.endsWith('.')).map(([path]) => path)
    assert.deepEqual(silent, [])
  })

  it('bounds every string, list and map, so that an object cannot outgrow the API server', () => {
    const unbounded = fields
      .filter(([, s]) => {
        if (s.type === 'array') return s.maxItems === undefined
        if (s.additionalProperties) return s.maxProperties === undefined
        return s.type === 'string' && s.enum === undefined && s.maxLength === undefined
      })
      .map(([path]) => path)
    assert.deepEqual(unbounded, [])
  })

  it('keeps the keywords of our own schemas to itself', () => {
    const text = JSON.stringify(root)
    for (const own of [
      '"rules"',
      '"listType"',
      '"listMapKeys"',
      '"check"',
      '"secret"',
      '"additionalProperties":false',
      '~kind',
    ]) {
      assert.ok(!text.includes(own), own)
    }
  })

  it('asks in a manifest only for what has no default', () => {
    assert.deepEqual(
      fields
        .filter(([path]) => path.startsWith('spec'))
        .flatMap(([path, s]) => (s.required ?? []).map((name) => `${path}.${name}`)),
      [
        'spec.credentialsSecretRef.name',
        'spec.clusterLinkOptions.nicNodeNames[].interfaceName',
        'spec.clusterLinkOptions.nicNodeNames[].nodeName',
        'spec.clusterTreeOptions.leafModels[].taints[].key',
        'spec.clusterTreeOptions.leafModels[].taints[].effect',
        'spec.clusterTreeOptions.leafModels[].nodeSelector.labelSelector.matchExpressions[].key',
        'spec.clusterTreeOptions.leafModels[].nodeSelector.labelSelector.matchExpressions[].operator',
      ],
    )
  })
})
