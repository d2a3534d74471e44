import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { EndpointSlice, Service } from '@kosmos/kube'
import { derivedName, derivedService } from './derived.ts'
import type { Exported } from './exports.ts'
import { type ImportView, planFor, planImport, planSlices } from './plan.ts'
import { importNameLabel, type ServiceExport, type ServiceImport, sourceClusterLabel } from './resources.ts'

const ports = [{ name: 'http', port: 80, protocol: 'TCP' }]
const sliceOf = (ready: boolean | undefined, labels: Record<string, string> = {}, parts = {}) =>
  ({
    metadata: { name: 'web-x', namespace: 'shop', labels },
    addressType: 'IPv4',
    endpoints: [{ addresses: ['10.1.0.7'], conditions: { ready }, nodeName: 'n', hints: {}, zone: 'z' }],
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
    ...parts,
  }) as unknown as EndpointSlice
const asked = (slices: readonly EndpointSlice[] = [sliceOf(true)], spec: object = { ports }): Exported => ({
  kind: 'asked',
  request: { metadata: { name: 'web', creationTimestamp: '2026-01-01T00:00:00Z' } } as unknown as ServiceExport,
  service: { metadata: { name: 'web' }, spec } as unknown as Service,
  slices,
})
const owner = (clusters: readonly string[] = []): ServiceImport =>
  ({
    metadata: { name: 'web', namespace: 'shop', uid: 'u' },
    spec: { type: 'ClusterSetIP', ports: [{ name: 'old', port: 1 }], ips: ['10.0.0.1'] },
    status: { clusters: clusters.map((cluster) => ({ cluster })) },
  }) as unknown as ServiceImport
const view = (sources: Readonly<Record<string, Exported>>, more: Partial<ImportView> = {}): ImportView => ({
  key: 'shop/web',
  sources: new Map(Object.entries(sources)),
  present: undefined,
  slices: [],
  ...more,
})
const unknown: Exported = { kind: 'unknown' }
const none: Exported = { kind: 'none' }

describe('what is imported under a name', () => {
  it('is nothing when nobody exports it', () => {
    assert.equal(planImport(view({ a: none, b: unknown })), undefined)
    assert.equal(planImport(view({ a: none }, { present: owner(['a']) })), undefined)
    assert.equal(planImport(view({ a: asked([], { type: 'ExternalName' }) })), undefined)
    assert.equal(planImport(view({}, { present: owner(['a']) })), undefined, 'a cluster that takes no part any more')
  })

  it('stays as it was while one that has a part in it has not spoken since we started', () => {
    const plan = planImport(view({ a: unknown, b: none }, { present: owner(['a', 'b']) }))
    assert.deepEqual(plan, { spec: { type: 'ClusterSetIP', ports: [{ name: 'old', port: 1 }] }, clusters: ['a'] })
    const joined = planImport(view({ a: unknown, b: asked() }, { present: owner(['a']) }))
    assert.deepEqual(joined?.clusters, ['a', 'b'])
    assert.deepEqual(joined?.spec.ports, [{ name: 'old', port: 1 }])
  })

  it('does not wait for a cluster that has no part in it', () => {
    const plan = planImport(view({ a: asked(), b: unknown }, { present: owner(['a']) }))
    assert.deepEqual(plan?.spec.ports, [{ name: 'http', protocol: 'TCP', port: 80 }])
  })
})

describe('the families of an import', () => {
  const plan = (ipFamilies: string[], type: 'ClusterSetIP' | 'Headless' = 'ClusterSetIP') => ({
    spec: { type, ports, ipFamilies },
    clusters: ['a'],
  })
  const of = (...args: Parameters<typeof planFor>) => planFor(...args)?.spec.ipFamilies

  it('are those that Services of the reader have as well', () => {
    assert.deepEqual(of(plan(['IPv4', 'IPv6']), new Set(['IPv6'])), ['IPv6'])
    assert.deepEqual(of(plan(['IPv4', 'IPv6']), new Set(['IPv6', 'IPv4'])), ['IPv4', 'IPv6'])
    assert.equal(planFor(plan(['IPv4']), new Set(['IPv6'])), undefined)
  })

  it('are all of them where nobody knows the reader, or no address is needed', () => {
    assert.deepEqual(of(plan(['IPv4', 'IPv6']), new Set()), ['IPv4', 'IPv6'])
    assert.deepEqual(of(plan(['IPv4'], 'Headless'), new Set(['IPv6'])), ['IPv4'])
    assert.deepEqual(of(plan([]), new Set(['IPv6'])), [])
  })
})

describe('the slices of an import', () => {
  const context = (parts = {}) => ({
    owner: owner(),
    spec: { type: 'ClusterSetIP', ports } as const,
    rootId: 'root-1',
    seenFrom: () => (address: string) => address.replace('10.1.', '242.0.') as string | undefined,
    reachOf: () => () => true,
    ...parts,
  })

  it('lead to the endpoints as the reader reaches them, without what means nothing there', () => {
    const [slice] = planSlices(view({ a: asked() }), context())
    assert.deepEqual(slice?.endpoints, [{ addresses: ['242.0.0.7'], conditions: { ready: true }, zone: 'z' }])
    assert.equal(slice?.metadata?.labels?.[sourceClusterLabel], 'a')
    assert.equal(slice?.metadata?.labels?.[importNameLabel], 'web')
    assert.equal(slice?.metadata?.ownerReferences?.[0]?.uid, 'u')
  })

  it('have names of their own for slices of one name in two clusters', () => {
    const names = planSlices(view({ a: asked(), b: asked() }), context()).map(({ metadata }) => metadata?.name)
    assert.equal(new Set(names).size, 2)
  })

  it('leave out what the reader does not reach at any address, and names that no address is', () => {
    assert.deepEqual(planSlices(view({ a: asked() }), context({ seenFrom: () => () => undefined })), [])
    assert.deepEqual(planSlices(view({ a: asked([sliceOf(true, {}, { addressType: 'FQDN' })]) }), context()), [])
  })

  it('have no ready endpoint where packets do not pass; what is not said counts as ready', () => {
    const lost = context({ reachOf: () => () => false })
    const readyIn = (source: Exported, about: Parameters<typeof planSlices>[1]) =>
      planSlices(view({ a: source }), about)[0]?.endpoints?.[0]?.conditions?.ready
    assert.equal(readyIn(asked([sliceOf(undefined)]), context()), true)
    assert.equal(readyIn(asked([sliceOf(false)]), context()), false)
    assert.equal(readyIn(asked(), lost), false)
  })

  it('of a silent cluster stay, ready as packets pass', () => {
    const imported = sliceOf(true, { [sourceClusterLabel]: 'a' })
    const silent = view({ a: unknown }, { slices: [imported, sliceOf(true, { [sourceClusterLabel]: 'b' })] })
    assert.deepEqual(planSlices(silent, context()), [imported])
    const [lost] = planSlices(silent, context({ reachOf: () => () => false }))
    assert.equal(lost?.endpoints?.[0]?.conditions?.ready, false)
    const again = view({ a: unknown }, { slices: [lost as EndpointSlice] })
    assert.equal(planSlices(again, context())[0]?.endpoints?.[0]?.conditions?.ready, true)
    const notServing = sliceOf(
      false,
      { [sourceClusterLabel]: 'a' },
      { endpoints: [{ addresses: ['10.1.0.7'], conditions: { ready: false, serving: false } }] },
    )
    assert.deepEqual(planSlices(view({ a: unknown }, { slices: [notServing] }), context()), [notServing])
    assert.deepEqual(planSlices(view({ a: asked() }, { slices: [imported] }), context({ seenFrom: () => undefined })), [
      imported,
    ])
  })

  it('name a port without a name beside others as the Service does that stands for the import', () => {
    const spec = { type: 'ClusterSetIP', ports: [{ port: 80 }, { name: 'metrics', port: 90 }] } as const
    const bare = sliceOf(true, {}, { ports: [{ name: '', port: 8080 }] })
    const [slice] = planSlices(view({ a: asked([bare]) }), context({ spec }))
    const derived = derivedService(owner(), 'root-1', spec)
    assert.equal(slice?.ports?.[0]?.name, derived.spec.ports[0]?.name)
    assert.ok(derived.spec.ports.every(({ name }) => name))
  })
})

describe('the name of the Service that stands for an import', () => {
  it('is one that a Service may have, however long that of the import is', () => {
    assert.equal(derivedName('web'), 'clusterset-web')
    const long = derivedName('a'.repeat(63))
    assert.ok(long.length <= 63)
    assert.notEqual(long, derivedName(`${'a'.repeat(62)}b`))
  })
})
