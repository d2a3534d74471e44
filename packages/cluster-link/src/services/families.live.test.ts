import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type KubeObject, namespaces, type Service, services } from '@kosmos/kube'
import {
  eventually,
  type LinkedCluster,
  type LinkedClusters,
  must,
  startLinkedClusters,
} from './linked-clusters.fixture.ts'
import { serviceExports, serviceImports } from './resources.ts'

const namespace = 'shop'

describe('Services of clusters whose Services have other families', () => {
  let linked: LinkedClusters
  let both: LinkedCluster
  let only4: LinkedCluster
  let only6: LinkedCluster

  before(async () => {
    linked = await startLinkedClusters(
      { hub: '10.9.1.0/24', both: '10.1.1.0/24', only4: '10.2.1.0/24', only6: 'fd00:3:1::/64' },
      { both: '10.64.0.0/16,fd10:64::/112', only4: '10.65.0.0/16', only6: 'fd10:66::/112' },
    )
    ;[both, only4, only6] = [linked.of('both'), linked.of('only4'), linked.of('only6')]
    for (const { client } of [both, only4, only6]) {
      await must(client.create(namespaces, { metadata: { name: namespace } }))
    }
    linked.start()
  })
  after(async () => await linked?.end())

  const export_ = async ({ client }: LinkedCluster, name: string, spec: object) => {
    const service = { metadata: { namespace, name }, spec: { ports: [{ name: 'http', port: 80 }], ...spec } }
    await must(client.create<Service>(services, service as KubeObject))
    await must(client.create(serviceExports, { metadata: { namespace, name } }))
  }
  /** The families of an import, of its addresses, and of the Service that stands for it. */
  const familiesOf = async ({ client }: LinkedCluster, name: string) => {
    const found = await client.get(serviceImports, { namespace, name })
    const derived = await client.get(services, { namespace, name: `clusterset-${name}` })
    const { ipFamilies = [], ips = [] } = found?.spec ?? {}
    const ofAddresses = ips.map((address) => (address.includes(':') ? 'IPv6' : 'IPv4'))
    return [ipFamilies, ofAddresses, derived?.spec?.ipFamilies ?? []].map((some) => [...some].sort().join(' '))
  }
  const has = async (cluster: LinkedCluster, name: string, families: string) => {
    let seen: readonly string[] = []
    await eventually(`${cluster.name} imports ${name} for ${families}`, async () => {
      seen = await familiesOf(cluster, name)
      return seen.every((some) => some === families)
    }).catch((error) => assert.fail(`${error.message}: ${seen.join(', ')}`))
  }
  const readyOf = async ({ client }: LinkedCluster, name: string) =>
    (await client.get(serviceExports, { namespace, name }))?.status?.conditions?.find(({ type }) => type === 'Ready')

  it('are imported for the families that Services of the reader have', async () => {
    await export_(both, 'web', { ipFamilyPolicy: 'PreferDualStack' })
    await has(both, 'web', 'IPv4 IPv6')
    await has(only4, 'web', 'IPv4')
    await has(only6, 'web', 'IPv6')
    await eventually('they are exported everywhere', async () => (await readyOf(both, 'web'))?.status === 'True')
  })

  it('follow when one becomes a Service of both families, and of one again', async () => {
    const become = (policy: string) =>
      must(
        both.client.patch(
          services,
          { namespace, name: 'web' },
          { spec: { ipFamilyPolicy: policy } },
          { type: 'merge' },
        ),
      )
    await become('SingleStack')
    await has(both, 'web', 'IPv4')
    await become('PreferDualStack')
    await has(both, 'web', 'IPv4 IPv6')
  })

  it('are not imported where Services have none of their families, which is said', async () => {
    await export_(only6, 'far', {})
    await has(both, 'far', 'IPv6')
    await eventually('it is said', async () =>
      /cluster only4: it is for Services of IPv6, and here are Services of IPv4;/.test(
        (await readyOf(only6, 'far'))?.message ?? '',
      ),
    )
  })
})
