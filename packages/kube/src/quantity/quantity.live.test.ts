import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { liveCluster } from '../live.fixture.ts'
import { resource } from '../objects/resources.ts'
import type { KubeObject } from '../objects/types.ts'
import { parseQuantity } from './parse.ts'
import { formatResources, parseResources } from './resource-list.ts'
import { upstreamForms } from './upstream-forms.fixture.ts'

interface ResourceQuota extends KubeObject {
  readonly spec: { readonly hard: Readonly<Record<string, string>> }
}
interface ResourceSlice extends KubeObject {
  readonly spec: {
    readonly devices: readonly { readonly capacity: Readonly<Record<string, { readonly value: string }>> }[]
  }
}

const resourceQuotas = resource<ResourceQuota>('v1', 'ResourceQuota', 'resourcequotas', 'Namespaced')
const resourceSlices = resource<ResourceSlice>('resource.k8s.io/v1', 'ResourceSlice', 'resourceslices', 'Cluster')
/** What a ResourceQuota takes any amount of, fractions included. */
const names = ['requests.cpu', 'limits.cpu', 'requests.memory', 'limits.memory', 'requests.storage']

/** A kind whose quantities are in no ResourceList and therefore kept as they are. */
function slice(name: string, values: readonly string[]) {
  const capacity = Object.fromEntries(values.map((value, i) => [`c${i}`, { value }]))
  const pool = { name, generation: 1, resourceSliceCount: 1 }
  return {
    metadata: { name },
    spec: { driver: 'test.kosmos.io', nodeName: 'n', pool, devices: [{ name: 'd', capacity }] },
  }
}

const digits = fc.stringMatching(/^[0-9]{1,6}$|^[1-9][0-9]{6,22}$|^[0-9]{0,3}000$/)
const texts = fc
  .record({
    sign: fc.constantFrom('', '', '', '+'),
    whole: digits,
    fraction: fc.oneof(
      fc.constant(''),
      digits.map((d) => `.${d}`),
    ),
    suffix: fc.constantFrom(
      ...['', 'n', 'u', 'm', 'k', 'M', 'G', 'T', 'P', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'],
      ...['e0', 'e1', 'E2', 'e+3', 'e-3', 'E-9', 'e-12', 'K', 'mi', 'e', 'Zi', 'Ki5'],
    ),
  })
  .map(({ sign, whole, fraction, suffix }) => `${sign}${whole}${fraction}${suffix}`)
  // Beyond the largest suffix upstream writes another number than it was given.
  .filter((text) => !/\d{3,}E$/.test(written(text) ?? ''))

function written(text: string): string | undefined {
  try {
    return parseQuantity(text).toString()
  } catch {
    return undefined
  }
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size))
}

describe('quantities that an API server stores', () => {
  const cluster = liveCluster()
  const samples = [...upstreamForms.map(([text]) => text), ...fc.sample(texts, 1500)]
  const valid = samples.filter((text) => written(text) !== undefined)
  const invalid = samples.filter((text) => written(text) === undefined)

  it('are read and written as we do', async () => {
    const client = await cluster.client()
    assert.ok(valid.length > 800)
    for (const [i, values] of chunks(valid, 20).entries()) {
      const given = slice(`s${i}`, values)
      const created = await client.create(resourceSlices, given)
      assert.ok(created.ok, JSON.stringify({ given, created }))
      const stored = await client.get(resourceSlices, given.metadata)
      const theirs = values.map((text, n) => [text, stored?.spec.devices[0]?.capacity[`c${n}`]?.value])
      assert.deepEqual(
        theirs,
        values.map((text) => [text, written(text)]),
      )
    }
  })

  it('are refused where we refuse them', async () => {
    const client = await cluster.client()
    assert.ok(invalid.length > 100)
    for (const text of new Set(invalid)) {
      assert.equal((await client.create(resourceSlices, slice('bad', [text]))).ok, false, text)
    }
  })

  it('are rounded as we do in lists of resources', async () => {
    const client = await cluster.client()
    const namespace = await cluster.namespace('quantities')
    const positive = valid.filter((text) => !text.startsWith('-'))
    for (const [i, values] of chunks(positive, names.length).entries()) {
      const hard = Object.fromEntries(values.map((text, n) => [names[n] ?? '', text]))
      const created = await client.create(resourceQuotas, {
        metadata: { namespace, name: `q${i}` },
        spec: { hard },
      } as object)
      assert.ok(created.ok, JSON.stringify({ hard, created }))
      assert.deepEqual({ ...created.object.spec.hard }, formatResources(parseResources(hard)), JSON.stringify(hard))
    }
  })
})
