import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import type { PodSpec, PodStatus } from '@kosmos/kube'
import { type LiveCluster, startCluster } from '../live.fixture.ts'
import { ctx, leafPod, rootPod } from './fixture.ts'
import { reflect } from './status/reflect.ts'
import { translate } from './translate/translate.ts'

interface Schema {
  readonly type?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly items?: Schema
  readonly additionalProperties?: Schema
  readonly $ref?: string
  readonly allOf?: readonly Schema[]
}

/** One field, with what an API server wants beside it. */
interface Field {
  readonly path: string
  readonly value: object
}

/** Of a pod's spec, what a copy does not have as it stands. Prefixes of paths; containers of all kinds are one. */
const notAsItStands: Readonly<Record<string, readonly string[]>> = {
  'the business of the root’s scheduler': ['nodeName', 'schedulerName', 'schedulingGates', 'schedulingGroup'],
  'constraints on the root’s nodes': ['nodeSelector', 'affinity.nodeAffinity'],
  'tolerations of the root’s nodes, but for how long a lost node is waited for': [
    'tolerations.effect',
    'tolerations.key',
    'tolerations.operator',
    'tolerations.value',
  ],
  'spread, as a preference over keys that all clusters have': ['topologySpreadConstraints'],
  'who evicts a pod of the root watches the root': ['evictionResponders'],
  'computed by admission of each cluster': ['overhead', 'priority', 'preemptionPolicy', 'priorityClassName'],
  'an account of the root, whose tokens come along': [
    'automountServiceAccountToken',
    'serviceAccount',
    'serviceAccountName',
    'volumes.projected.sources.serviceAccountToken',
  ],
  'trust of the root, which comes along in objects of the pod': [
    'volumes.projected.sources.clusterTrustBundle',
    'volumes.projected.sources.podCertificate',
  ],
  'a claim that the root has made': ['volumes.ephemeral'],
  'added by a subresource, as `containers` are': ['ephemeralContainers'],
}

/** Of its status, what is each cluster's own. */
const notReflected = [
  // The root's API server sets it, and it never changes.
  'qosClass',
  // Who preempts, and for whom, is the business of each scheduler.
  'nominatedNodeName',
  // Claims of devices do not come along.
  'extendedResourceClaimStatus',
  'nodeAllocatableResourceClaimStatuses',
  'resourceClaimStatuses',
  // When a kubelet looked last is no news.
  'conditions.lastProbeTime',
  // Told in the root's numbers.
  'conditions.observedGeneration',
  'observedGeneration',
]

/** Every field of a schema that has no fields itself. */
function fieldsOf(schemas: Readonly<Record<string, Schema>>, name: string): Field[] {
  const resolved = (schema: Schema): Schema => {
    const ref = schema.$ref ?? schema.allOf?.[0]?.$ref
    return ref ? resolved(schemas[ref.replace('#/components/schemas/', '')] ?? {}) : schema
  }
  const sample = (schema: Schema, path: string): unknown => {
    const { type, properties, items, additionalProperties, required = [] } = resolved(schema)
    if (type === 'array') return [sample(items ?? {}, path)]
    if (additionalProperties) return { key: sample(additionalProperties, path) }
    if (properties)
      return Object.fromEntries(required.map((key) => [key, sample(properties[key] ?? {}, `${path}.${key}`)]))
    if (type === 'boolean') return true
    if (type === 'integer') return 7
    return path.endsWith('conditions.type') ? 'Ready' : 'x'
  }
  const walk = (schema: Schema, path: string, above: readonly unknown[]): Field[] => {
    const { type, properties, items } = resolved(schema)
    if (type === 'array' && items && resolved(items).properties)
      return walk(items, path, above).map(({ path, value }) => ({ path, value: [value] }))
    if (!properties || above.includes(properties)) return [{ path, value: sample(schema, path) as object }]
    const beside = sample(schema, path) as object
    return Object.entries(properties).flatMap(([key, property]) =>
      walk(property, path ? `${path}.${key}` : key, [...above, properties]).map((field) => ({
        path: field.path,
        value: { ...beside, [key]: field.value },
      })),
    )
  }
  return walk({ $ref: `#/components/schemas/${name}` }, '', [])
}

/** Whether one has all that the other has. Lists may have more. */
function holds(has: unknown, wanted: unknown): boolean {
  if (Array.isArray(wanted))
    return Array.isArray(has) && wanted.every((item) => has.some((other) => holds(other, item)))
  if (typeof wanted !== 'object' || wanted === null) return isDeepStrictEqual(has, wanted)
  const fields = has as Readonly<Record<string, unknown>> | undefined
  return Object.entries(wanted).every(([key, value]) => holds(fields?.[key], value))
}

const isUnder = (path: string, prefixes: readonly string[]) =>
  prefixes.some((prefix) => path === prefix || path.startsWith(`${prefix}.`))

describe('every field of a pod, at the pinned version of Kubernetes', () => {
  let cluster: LiveCluster
  let schemas: Readonly<Record<string, Schema>>

  before(async () => {
    cluster = await startCluster('schema')
    const document = (await cluster.client.raw('/openapi/v3/api/v1')) as {
      components: { schemas: Record<string, Schema> }
    }
    schemas = document.components.schemas
  })
  after(() => cluster?.end())

  it('is in its copy as it stands, or it is known why not', () => {
    const known = Object.values(notAsItStands).flat()
    const unexpected: string[] = []
    const all = { ...ctx, apiServer: { host: 'root', port: '6443' }, trustBundles: true, podCertificates: true }
    for (const { path, value } of fieldsOf(schemas, 'io.k8s.api.core.v1.PodSpec')) {
      const spec = { containers: [], ...value } as PodSpec
      const { pod, problems } = translate(rootPod({ spec }), all)
      const isThere = problems.length > 0 || holds(pod.spec, value)
      if (isThere === isUnder(path, known)) unexpected.push(isThere ? `${path} is there` : `${path} is not there`)
    }
    assert.deepEqual(unexpected, [])
  })

  it('is in the status of the root as in that of the leaf, or it is known why not', () => {
    const unexpected: string[] = []
    for (const { path, value } of fieldsOf(schemas, 'io.k8s.api.core.v1.PodStatus')) {
      const containers = [{ name: 'x', image: 'i' }]
      const spec = { containers, initContainers: containers, ephemeralContainers: containers } as unknown as PodSpec
      const root = rootPod({ spec, status: {} })
      const patch = reflect(root, leafPod(root, { status: value as PodStatus }))
      const isThere = holds(patch?.status, value)
      if (isThere === isUnder(path, notReflected))
        unexpected.push(isThere ? `${path} is there` : `${path} is not there`)
    }
    assert.deepEqual(unexpected, [])
  })
})
