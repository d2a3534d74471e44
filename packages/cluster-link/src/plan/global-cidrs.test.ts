import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Cidr, formatCidr, overlaps, parseCidr } from '@kosmos/kube/addresses'
import fc from 'fast-check'
import { globalCIDRsFor, type Mapped } from './global-cidrs.ts'

const cluster = (name: string, networks: string[], mappings: Record<string, string> = {}): Mapped => ({
  name,
  networks: networks.map(parseCidr),
  mappings: Object.entries(mappings).map(([local, global]) => [parseCidr(local), parseCidr(global)] as const),
})

describe('global networks of clusters that overlap', () => {
  it('are given to what another cluster has as well, and to nothing else', () => {
    const a = cluster('a', ['10.1.0.0/16', '10.96.0.0/12'])
    const b = cluster('b', ['10.2.0.0/16', '10.96.0.0/16'])
    assert.deepEqual([...globalCIDRsFor(a, [b])], [['10.96.0.0/12', '242.0.0.0/12']])
  })

  it('leave alone what was mapped by hand or before', () => {
    const a = cluster('a', ['10.1.0.0/16'], { '10.0.0.0/8': '100.0.0.0/8' })
    assert.equal(globalCIDRsFor(a, [cluster('b', ['10.1.0.0/16'])]).size, 0)
  })

  it('are of both families', () => {
    const [a, b] = [cluster('a', ['fd00:1::/64']), cluster('b', ['fd00:1::/56'])]
    assert.deepEqual([...globalCIDRsFor(a, [b])], [['fd00:1::/64', 'fd42::/64']])
  })

  it('are not what the cluster itself has elsewhere', () => {
    const a = cluster('a', ['10.1.0.0/16', '242.0.0.0/16'])
    assert.deepEqual([...globalCIDRsFor(a, [cluster('b', ['10.1.0.0/16'])])], [['10.1.0.0/16', '242.1.0.0/16']])
  })

  it('use up a pool to its last address, and never go beyond', () => {
    const pool = [parseCidr('198.18.0.0/15')]
    const given = (networks: string[], taken: string[] = []) => [
      ...globalCIDRsFor(cluster('a', networks), [cluster('b', [...networks, ...taken])], pool).values(),
    ]
    assert.deepEqual(given(['10.0.0.0/15']), ['198.18.0.0/15'])
    assert.deepEqual(given(['10.0.0.0/14']), [])
    assert.deepEqual(given(['10.0.0.0/16', '10.1.0.0/16', '10.2.0.0/16']), ['198.18.0.0/16', '198.19.0.0/16'])
    // A small one in the way takes one place, a large one all that it covers.
    assert.deepEqual(given(['10.0.0.0/16'], ['198.18.7.0/24']), ['198.19.0.0/16'])
    assert.deepEqual(given(['10.0.0.0/24'], ['198.18.0.0/16', '198.19.0.0/24']), ['198.19.1.0/24'])
  })

  it('overlap nothing that anybody has or was given, in whatever order clusters come', () => {
    const network = fc
      .tuple(fc.integer({ min: 0, max: 7 }), fc.integer({ min: 12, max: 26 }))
      .map(([n, prefix]) => parseCidr(`10.${n}.0.0/${prefix}`))
    const distinct = (networks: Cidr[]) =>
      networks.filter((one, i) => networks.slice(0, i).every((before) => !overlaps(before, one)))
    const clustersOf = fc.array(fc.array(network, { minLength: 1, maxLength: 5 }).map(distinct), { maxLength: 6 })
    fc.assert(
      fc.property(clustersOf, (all) => {
        let clusters = all.map((networks, i): Mapped => ({ name: `c${i}`, networks, mappings: [] }))
        for (let i = 0; i < clusters.length; i++) {
          const own = clusters[i] as Mapped
          const given = globalCIDRsFor(
            own,
            clusters.filter((one) => one !== own),
          )
          const mappings = [...given].map(([local, global]) => [parseCidr(local), parseCidr(global)] as const)
          clusters = clusters.map((one) => (one === own ? { ...own, mappings } : one))
        }
        const seen = clusters.flatMap(({ name, networks, mappings }) =>
          networks.map((one) => {
            const mapping = mappings.find(([local]) => formatCidr(local) === formatCidr(one))
            return { name, global: mapping?.[1] ?? one }
          }),
        )
        for (const [i, a] of seen.entries()) {
          for (const b of seen.slice(i + 1)) assert.ok(!overlaps(a.global, b.global), formatCidr(a.global))
        }
        const globals = clusters.flatMap(({ mappings }) => mappings.map(([, global]) => global))
        for (const global of globals) {
          for (const { networks } of clusters) for (const one of networks) assert.ok(!overlaps(global, one))
        }
      }),
    )
  })
})
