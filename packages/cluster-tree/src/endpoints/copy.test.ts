import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { EndpointSlice } from '@kosmos/kube'
import fc from 'fast-check'
import { sameAddress } from './address-translator.ts'
import { type EndpointPod, podKeysOf, type SliceContext, serviceKeyOf, sliceCopy } from './copy.ts'
import { planSlice } from './plan.ts'

const slice = (parts: Partial<EndpointSlice> = {}) =>
  ({
    metadata: {
      namespace: 'shop',
      name: 'db-1',
      uid: 'u-1',
      resourceVersion: '7',
      labels: { 'kubernetes.io/service-name': 'db', [managedBy]: 'endpointslicemirroring-controller.k8s.io' },
    },
    addressType: 'IPv4',
    endpoints: [{ addresses: ['192.0.2.7'], conditions: { ready: true } }],
    ports: [{ name: 'sql', port: 5432, protocol: 'TCP' }],
    ...parts,
  }) as EndpointSlice

const managedBy = 'endpointslice.kubernetes.io/managed-by'
const service = { name: 'db', uid: 'service-in-leaf' }
const here: EndpointPod = { kind: 'here', uid: 'leaf-uid', ips: ['10.1.0.9', 'fd00::9'], nodeName: 'leaf-node' }
const ctx: SliceContext = {
  rootClusterId: 'root-1',
  service,
  podOf: (key) => ({ 'shop/here': here, 'shop/there': { kind: 'elsewhere' } as const })[key] ?? { kind: 'absent' },
  translateAddress: sameAddress,
}
const ofPod = (name: string, address = '10.9.9.9') => ({
  addresses: [address],
  nodeName: 'kosmos-east',
  zone: 'root-zone',
  hints: { forZones: [{ name: 'root-zone' }] },
  targetRef: { kind: 'Pod', namespace: 'shop', name, uid: `uid-of-${name}` },
})

describe('the endpoints of a leaf for what somebody wrote in the root', () => {
  it('are the addresses outside of both clusters, as they are', () => {
    const { slice: copy, elsewhere } = sliceCopy(slice(), ctx)
    const { metadata, ...content } = copy as EndpointSlice
    assert.deepEqual(content, {
      addressType: 'IPv4',
      endpoints: [{ addresses: ['192.0.2.7'], conditions: { ready: true } }],
      ports: [{ name: 'sql', port: 5432, protocol: 'TCP' }],
    })
    assert.equal(elsewhere, 0)
    assert.match(metadata.name, /^kosmos-copy-/)
    assert.equal(metadata.annotations?.['kosmos.io/root-name'], 'db-1')
    assert.deepEqual(metadata.labels, {
      'kubernetes.io/service-name': 'db',
      'endpointslice.kubernetes.io/managed-by': 'cluster-tree.kosmos.io',
      'kosmos.io/root-cluster': 'root-1',
    })
    assert.deepEqual(metadata.ownerReferences, [
      { apiVersion: 'v1', kind: 'Service', name: 'db', uid: 'service-in-leaf' },
    ])
  })

  it('of a selector are the pods of linked clusters at the addresses that the root shows; its own the leaf knows', () => {
    const linked: SliceContext = {
      ...ctx,
      podOf: (key) => (key === 'shop/there' ? { kind: 'linked' } : ctx.podOf(key, '')),
    }
    const labels = { ...slice().metadata.labels, [managedBy]: 'endpointslice-controller.k8s.io' }
    const made = slice({
      metadata: { ...slice().metadata, labels },
      endpoints: [ofPod('here'), ofPod('there', '242.1.0.9'), ofPod('gone')],
    })
    const { slice: copy, elsewhere } = sliceCopy(made, linked)
    assert.deepEqual([(copy as EndpointSlice).endpoints, elsewhere], [[{ addresses: ['242.1.0.9'] }], 0])
    assert.deepEqual(sliceCopy(made, ctx), { slice: undefined, elsewhere: 0 }, 'nothing while nothing is linked')
  })

  it('are at another address where a network between the two says so', () => {
    const translateAddress = (address: string) => (address === '192.0.2.7' ? '198.51.100.7' : undefined)
    const endpoints = [{ addresses: ['192.0.2.7'] }, { addresses: ['192.0.2.8'] }]
    const { slice: copy, elsewhere } = sliceCopy(slice({ endpoints }), { ...ctx, translateAddress })
    assert.deepEqual([(copy as EndpointSlice).endpoints, elsewhere], [[{ addresses: ['198.51.100.7'] }], 1])
  })

  it('are pods of the leaf at their addresses there, without nodes and zones of the root', () => {
    const { slice: copy } = sliceCopy(slice({ endpoints: [ofPod('here')] }), ctx)
    assert.deepEqual((copy as EndpointSlice).endpoints, [
      {
        addresses: ['10.1.0.9'],
        targetRef: { kind: 'Pod', namespace: 'shop', name: 'here', uid: 'leaf-uid' },
        nodeName: 'leaf-node',
      },
    ])
    const ipv6 = sliceCopy(slice({ addressType: 'IPv6', endpoints: [ofPod('here', 'fd09::1')] }), ctx).slice
    assert.deepEqual((ipv6 as EndpointSlice).endpoints?.[0]?.addresses, ['fd00::9'])
  })

  it('that are pods are ready, and called, as the root says, and are found in its namespace where it names none', () => {
    const { targetRef, ...endpoint } = ofPod('here')
    const named = {
      ...endpoint,
      conditions: { ready: false },
      hostname: 'db-0',
      targetRef: { kind: 'Pod', name: 'here' },
    }
    const nowhere = (pod: EndpointPod) => ({ ...ctx, podOf: () => pod })
    const [first] = (sliceCopy(slice({ endpoints: [named] }), ctx).slice as EndpointSlice).endpoints ?? []
    assert.deepEqual([first?.conditions, first?.hostname], [{ ready: false }, 'db-0'])
    assert.deepEqual(first?.targetRef, { kind: 'Pod', name: 'here', uid: 'leaf-uid' })
    assert.ok(targetRef)
    const young = sliceCopy(slice({ endpoints: [named] }), nowhere({ kind: 'here', uid: 'leaf-uid', ips: ['fd00::9'] }))
    assert.deepEqual(young, { slice: undefined, elsewhere: 0 }, 'of the other family only')
  })

  it('are not the pods of other clusters, nor those that are gone', () => {
    const endpoints = [ofPod('there'), ofPod('gone')]
    assert.deepEqual(sliceCopy(slice({ endpoints }), ctx), { slice: undefined, elsewhere: 1 })
  })

  it('say by a hash what is in them, so that it is known without reading them', () => {
    const hashOf = (parts: Partial<EndpointSlice>) =>
      sliceCopy(slice(parts), ctx).slice?.metadata?.annotations?.['kosmos.io/endpoints'] ?? assert.fail()
    const labelled = { metadata: { ...slice().metadata, resourceVersion: '8', labels: { a: 'b' } } }
    assert.equal(hashOf(labelled), hashOf({}))
    const others = [{ endpoints: [{ addresses: ['192.0.2.8'] }] }, { ports: [{ port: 1 }] }, { addressType: 'IPv6' }]
    assert.equal(new Set([{}, ...others].map(hashOf)).size, 4)
  })

  it('are looked up by the Service and the pods that they name', () => {
    const mine = slice({ endpoints: [ofPod('here'), { addresses: ['192.0.2.7'] }] })
    assert.deepEqual([serviceKeyOf(mine), podKeysOf(mine)], ['shop/db', ['shop/here']])
  })

  it('never come from a pod that is not in the leaf, and are written once', () => {
    const endpoint = fc.oneof(
      fc.constantFrom('here', 'there', 'gone').map((name) => ofPod(name)),
      fc.ipV4().map((address) => ({ addresses: [address] })),
    )
    fc.assert(
      fc.property(fc.array(endpoint), (endpoints) => {
        const { slice: copy, elsewhere } = sliceCopy(slice({ endpoints }), ctx)
        const present = (copy as EndpointSlice | undefined)?.endpoints ?? []
        assert.equal(copy === undefined, present.length === 0)
        assert.ok(present.every(({ addresses }) => !addresses.includes('10.9.9.9')))
        const named = (name: string) => endpoints.filter((e) => 'targetRef' in e && e.targetRef.name === name).length
        assert.equal(elsewhere, named('there'))
        assert.equal(present.length, endpoints.length - named('there') - named('gone'))
        const { metadata } = { metadata: {}, ...copy }
        const stored = copy && { ...copy, metadata: { ...metadata, uid: 'x', resourceVersion: '1', generation: 1 } }
        assert.deepEqual(planSlice(copy, stored), { kind: 'none' })
      }),
    )
  })
})
