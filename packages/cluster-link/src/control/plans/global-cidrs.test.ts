import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { StoredCluster } from '@kosmos/kube'
import { GlobalCIDRs } from './global-cidrs.ts'

const found = { podCIDRs: ['10.1.0.0/16'], serviceCIDRs: [] }
const cluster = (name: string, uid: string) =>
  ({
    metadata: { name, uid },
    spec: { clusterLinkOptions: { enable: true } },
    status: { clusterLinkStatus: found },
  }) as unknown as StoredCluster

describe('the global networks that clusters are given', () => {
  it('are kept before they are heard of, and forgotten with the Cluster, so that nobody has them twice', () => {
    const [a, b, c] = [cluster('a', '1'), cluster('b', '2'), cluster('c', '3')]
    let known = [a, b]
    const globals = new GlobalCIDRs(() => known)
    const [ofA, ofB] = [globals.of(a, found), globals.of(b, found)]
    assert.deepEqual(globals.of(a, found), ofA)
    assert.notDeepEqual(ofA, ofB)
    known = [b, c]
    const ofC = globals.of(c, found)
    const again = cluster('a', '4')
    known = [again, b, c]
    const all = [globals.of(again, found), ofB, ofC].flatMap((one) => Object.values(one))
    assert.equal(new Set(all).size, 3, all.join())
  })

  it('are given to networks of Services as well', () => {
    const services = { podCIDRs: [], serviceCIDRs: ['10.96.0.0/16'] }
    const [a, b] = [cluster('a', '1'), cluster('b', '2')].map((one) => ({
      ...one,
      status: { clusterLinkStatus: services },
    })) as unknown as [StoredCluster, StoredCluster]
    assert.deepEqual(Object.keys(new GlobalCIDRs(() => [a, b]).of(a, services)), ['10.96.0.0/16'])
  })

  it('are not needed because of a cluster that is not linked', () => {
    const [a, b] = [cluster('a', '1'), cluster('b', '2')]
    const unlinked = { ...b, spec: { clusterLinkOptions: { enable: false } } } as unknown as StoredCluster
    assert.deepEqual(new GlobalCIDRs(() => [a, unlinked]).of(a, found), {})
  })
})
