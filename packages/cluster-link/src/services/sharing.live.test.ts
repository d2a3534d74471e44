import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { globalCIDRsOf } from '@kosmos/api'
import {
  clusters,
  type EndpointSlice,
  endpointSlices,
  type KubeObject,
  namespaces,
  type Service,
  services,
} from '@kosmos/kube'
import { contains, formatAddress, parseCidr, translate } from '@kosmos/kube/addresses'
import { clusterLinkPolicies, nodeConfigs } from '../control/resources.ts'
import {
  eventually,
  type LinkedCluster,
  type LinkedClusters,
  must,
  shareServices,
  startLinkedClusters,
} from './linked-clusters.fixture.ts'
import { importNameLabel, type ServiceImport, serviceExports, serviceImports, sourceClusterLabel } from './resources.ts'

const namespace = 'shop'

describe('Services of linked clusters', () => {
  let linked: LinkedClusters
  let hub: LinkedCluster
  let a: LinkedCluster
  let b: LinkedCluster

  before(async () => {
    // Two have the same pod network, so that an address of one in the other is never its own.
    linked = await startLinkedClusters({ hub: '10.9.1.0/24', a: '10.1.1.0/24', b: '10.1.1.0/24' })
    ;[hub, a, b] = [linked.of('hub'), linked.of('a'), linked.of('b')]
    for (const { client } of [a, b]) await must(client.create(namespaces, { metadata: { name: namespace } }))
    linked.start()
  })
  after(async () => await linked?.end())

  const serve = async ({ client }: LinkedCluster, name: string, spec: object = {}, ips = ['10.1.1.7']) => {
    const service = { metadata: { namespace, name }, spec: { ports: [{ name: 'http', port: 80 }], ...spec } }
    await must(client.create<Service>(services, service as KubeObject))
    await publish(client, name, ips)
  }
  const publish = (client: LinkedCluster['client'], name: string, ips: readonly string[], ready = true) => {
    const slice = {
      metadata: { namespace, name: `${name}-1`, labels: { 'kubernetes.io/service-name': name } },
      addressType: 'IPv4',
      endpoints: ips.map((ip, index) => ({
        addresses: [ip],
        hostname: `${name}-${index}`,
        nodeName: 'a1',
        conditions: { ready, serving: ready, terminating: false },
      })),
      ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
    }
    return must(client.apply(endpointSlices, slice as KubeObject))
  }
  const export_ = ({ client }: LinkedCluster, name: string) =>
    must(client.create(serviceExports, { metadata: { namespace, name } }))
  const importOf = async ({ client }: LinkedCluster, name: string) => client.get(serviceImports, { namespace, name })
  const slicesOf = ({ client }: LinkedCluster, name: string) =>
    client.listAll<EndpointSlice>(endpointSlices, { namespace, labelSelector: `${importNameLabel}=${name}` })
  const addressesOf = async (cluster: LinkedCluster, name: string) =>
    (await slicesOf(cluster, name))
      .flatMap(({ metadata, endpoints }) =>
        (endpoints ?? []).map(
          ({ addresses, conditions }) =>
            `${metadata.labels?.[sourceClusterLabel]} ${addresses[0]}${conditions?.ready ? '' : ' not ready'}`,
        ),
      )
      .sort()
  const imports = async (cluster: LinkedCluster, name: string, expected: readonly string[]) => {
    let seen: readonly string[] = []
    await eventually(`${cluster.name} has ${expected} for ${name}, not ${seen}`, async () => {
      seen = await addressesOf(cluster, name)
      return JSON.stringify(seen) === JSON.stringify(expected)
    }).catch((error) => assert.fail(`${error.message}; it has ${seen}`))
  }
  const imported = (cluster: LinkedCluster, name: string, is: (found: ServiceImport) => unknown = () => true) =>
    eventually(`${cluster.name} imports ${name}`, async () => {
      const found = await importOf(cluster, name)
      return found && (await is(found)) ? found : undefined
    })
  const conditions = async ({ client }: LinkedCluster, name: string) =>
    Object.fromEntries(
      ((await client.get(serviceExports, { namespace, name }))?.status?.conditions ?? []).map(
        ({ type, status, reason }) => [type, `${status} ${reason}`],
      ),
    )
  const says = (cluster: LinkedCluster, name: string, expected: Readonly<Record<string, string>>) =>
    eventually(`${cluster.name} says ${JSON.stringify(expected)} of ${name}`, async () => {
      const seen = await conditions(cluster, name)
      return Object.entries(expected).every(([type, text]) => seen[type] === text)
    })
  /** The address by which the other clusters know one of a cluster. */
  const global = async (cluster: LinkedCluster, address: string) => {
    const one = parseCidr(address)
    return await eventually(`a global network of ${cluster.name}`, async () => {
      const stored = await hub.client.get(clusters, { name: cluster.name })
      const mappings = Object.entries((stored && globalCIDRsOf(stored)) ?? {})
      const [from, to] = mappings.find(([local]) => contains(parseCidr(local), one)) ?? []
      return from && to && formatAddress(4, translate(one, parseCidr(from), parseCidr(to)).base)
    })
  }
  const gone = (cluster: LinkedCluster, name: string) =>
    eventually(`${cluster.name} has nothing of ${name}`, async () => {
      const derived = await cluster.client.get(services, { namespace, name: `clusterset-${name}` })
      return !derived && !(await importOf(cluster, name)) && (await slicesOf(cluster, name)).length === 0
    })

  it('are imported where their namespace is, with an address of the reader and endpoints that it reaches', async () => {
    await serve(a, 'web')
    await export_(a, 'web')
    const there = await global(a, '10.1.1.7')
    await imports(b, 'web', [`a ${there}`])
    await imports(a, 'web', ['a 10.1.1.7'])
    const { spec, status } = await imported(b, 'web', ({ spec, status }) => spec.ips?.length && status?.clusters)
    const derived = await b.client.get(services, { namespace, name: 'clusterset-web' })
    assert.deepEqual(spec.ips, derived?.spec?.clusterIPs)
    assert.equal(spec.type, 'ClusterSetIP')
    assert.deepEqual(spec.ports, [{ name: 'http', protocol: 'TCP', port: 80 }])
    assert.deepEqual(status?.clusters, [{ cluster: 'a' }])
    const [slice] = await slicesOf(b, 'web')
    assert.equal(slice?.metadata.labels?.['kubernetes.io/service-name'], 'clusterset-web')
    assert.equal(slice?.endpoints?.[0]?.nodeName, undefined, 'nodes of another cluster mean nothing here')
    await says(a, 'web', { Valid: 'True Valid', Ready: 'True Exported', Conflict: 'False NoConflicts' })
    // Whoever does not have the kinds has no part in it, until he has.
    await shareServices(hub.client)
    await eventually('hub has the kinds', async () => (await importOf(hub, 'web').catch(() => null)) === undefined)
    await must(hub.client.create(namespaces, { metadata: { name: namespace } }))
    await imports(hub, 'web', [`a ${there}`])
  })

  it('of the root are exported by the annotation of the original Kosmos as well, until it goes; by hand stays by hand', async () => {
    const annotate = (name: string, asked: string | null) =>
      must(
        hub.client.patch(
          services,
          { namespace, name },
          { metadata: { annotations: { 'kosmos.io/auto-create-mcs': asked } } },
          { type: 'merge' },
        ),
      )
    await serve(hub, 'annotated', {}, ['10.9.1.7'])
    await serve(hub, 'manual', {}, ['10.9.1.8'])
    await export_(hub, 'manual')
    await annotate('manual', 'true')
    await annotate('annotated', 'true')
    await imports(b, 'annotated', ['hub 10.9.1.7'])
    await says(hub, 'annotated', { Valid: 'True Valid', Ready: 'True Exported' })
    await annotate('annotated', null)
    await annotate('manual', null)
    await gone(b, 'annotated')
    assert.equal(await hub.client.get(serviceExports, { namespace, name: 'annotated' }), undefined)
    await imports(b, 'manual', ['hub 10.9.1.8'])
    await annotate('annotated', '')
    await imported(b, 'annotated')
    // Without its Service it has no owner, and here is no garbage collector.
    await hub.client.delete(services, { namespace, name: 'annotated' })
    await gone(b, 'annotated')
    for (const name of ['annotated', 'manual']) await hub.client.delete(serviceExports, { namespace, name })
  })

  it('follow their endpoints, and go with their export or their Service', async () => {
    await serve(a, 'shortlived')
    await export_(a, 'shortlived')
    const [first, second] = [await global(a, '10.1.1.7'), await global(a, '10.1.1.8')]
    await imports(b, 'shortlived', [`a ${first}`])
    await publish(a.client, 'shortlived', ['10.1.1.8'])
    await imports(b, 'shortlived', [`a ${second}`])
    const spec = { ports: [{ name: 'http', port: 81 }], sessionAffinity: 'ClientIP' }
    await must(a.client.patch(services, { namespace, name: 'shortlived' }, { spec }, { type: 'merge' }))
    await imported(b, 'shortlived', async ({ spec }) => {
      const derived = await b.client.get(services, { namespace, name: 'clusterset-shortlived' })
      const affinities = [spec.sessionAffinity, derived?.spec?.sessionAffinity]
      const ports = [spec.ports[0]?.port, derived?.spec?.ports?.[0]?.port]
      return affinities.every((one) => one === 'ClientIP') && ports.every((one) => one === 81)
    })
    await a.client.delete(services, { namespace, name: 'shortlived' })
    await gone(b, 'shortlived')
    await says(a, 'shortlived', { Valid: 'False NoService' })
    await serve(a, 'shortlived')
    await imports(b, 'shortlived', [`a ${first}`])
    await a.client.delete(serviceExports, { namespace, name: 'shortlived' })
    for (const cluster of [a, b, hub]) await gone(cluster, 'shortlived')
    assert.ok(await a.client.get(services, { namespace, name: 'shortlived' }), 'the exported Service is not ours')
  })

  it('of a cluster that policies keep apart are not imported', async () => {
    await serve(a, 'kept')
    await export_(a, 'kept')
    const there = await global(a, '10.1.1.7')
    await imports(b, 'kept', [`a ${there}`])
    const spec = { clusters: { names: ['b'] }, peers: [{ names: ['hub'] }] }
    await must(hub.client.create(clusterLinkPolicies, { metadata: { name: 'b-apart' }, spec } as KubeObject))
    await gone(b, 'kept')
    await imports(hub, 'kept', [`a ${there}`])
    await hub.client.delete(clusterLinkPolicies, { name: 'b-apart' })
    await imports(b, 'kept', [`a ${there}`])
    // A name that is looked at just when a policy comes, which goes again.
    await must(hub.client.create(clusterLinkPolicies, { metadata: { name: 'b-apart' }, spec } as KubeObject))
    await publish(a.client, 'kept', ['10.1.1.8'])
    await gone(b, 'kept')
    await hub.client.delete(clusterLinkPolicies, { name: 'b-apart' })
    await imports(b, 'kept', [`a ${await global(a, '10.1.1.8')}`])
    await a.client.delete(serviceExports, { namespace, name: 'kept' })
  })

  it('of several clusters are one, which every one of them hears of when they differ', async () => {
    await serve(a, 'both')
    await export_(a, 'both')
    // Which export is older shows in whole seconds.
    await new Promise((resolve) => setTimeout(resolve, 1_100))
    await serve(
      b,
      'both',
      {
        ports: [
          { name: 'http', port: 81 },
          { name: 'metrics', port: 90 },
        ],
      },
      ['10.1.1.9'],
    )
    await export_(b, 'both')
    const [there, here] = [await global(a, '10.1.1.7'), await global(b, '10.1.1.9')]
    await imports(hub, 'both', [`a ${there}`, `b ${here}`])
    const { spec } = await imported(hub, 'both', ({ status }) => status?.clusters?.length === 2)
    assert.deepEqual(
      spec.ports.map(({ port }) => port),
      [80, 90],
    )
    for (const cluster of [a, b]) await says(cluster, 'both', { Conflict: 'True PortConflict' })
    await b.client.delete(serviceExports, { namespace, name: 'both' })
    await says(a, 'both', { Conflict: 'False NoConflicts' })
    await imports(hub, 'both', [`a ${there}`])
  })

  it('have one address each, however much happens at once, and none has that of another', async () => {
    const names = ['one', 'two', 'three', 'four']
    const both = [a, b]
    const derivedOf = async (name: string) => await hub.client.get(services, { namespace, name: `clusterset-${name}` })
    await Promise.all(
      names.flatMap((name) => both.map((cluster) => serve(cluster, name).then(() => export_(cluster, name)))),
    )
    const known = await Promise.all(
      names.map((name) =>
        imported(hub, name, ({ spec, status }) => status?.clusters?.length === 2 && spec.ips?.length === 1),
      ),
    )
    const before = await Promise.all(names.map(derivedOf))
    assert.equal(new Set(before.map((one) => one?.spec?.clusterIP)).size, names.length)
    await Promise.all(
      names.flatMap((name) =>
        both.map(async ({ client }) => {
          for (let round = 1; round <= 10; round++) {
            await publish(client, name, [`10.1.1.${round}`], round % 2 === 0)
            const ports = [{ name: 'http', port: 80 + round }]
            await must(client.patch(services, { namespace, name }, { spec: { ports } }, { type: 'merge' }))
          }
        }),
      ),
    )
    for (const [index, name] of names.entries()) {
      await imported(hub, name, ({ spec }) => spec.ports[0]?.port === 90)
      const found = await derivedOf(name)
      assert.equal(found?.metadata.uid, before[index]?.metadata.uid)
      assert.deepEqual((await importOf(hub, name))?.spec.ips, known[index]?.spec.ips)
    }
    // Made anew at once, and by then something else has changed as well.
    for (let round = 0; round < 5; round++) {
      for (const cluster of both) {
        await cluster.client.delete(serviceExports, { namespace, name: 'one' })
        await export_(cluster, 'one')
      }
    }
    for (const cluster of both) await publish(cluster.client, 'one', ['10.1.1.30'])
    await imports(hub, 'one', [`a ${await global(a, '10.1.1.30')}`, `b ${await global(b, '10.1.1.30')}`])
    await imported(hub, 'one', async ({ spec }) => {
      const derived = await derivedOf('one')
      return derived?.spec?.clusterIP !== undefined && spec.ips?.join() === derived.spec.clusterIP
    })
    const all = await hub.client.listAll<Service>(services, { namespace, labelSelector: importNameLabel })
    assert.deepEqual(
      all.flatMap(({ metadata: { name } }) => (names.some((one) => name === `clusterset-${one}`) ? [name] : [])).sort(),
      names.map((name) => `clusterset-${name}`).sort(),
    )
    for (const name of names) for (const { client } of both) await client.delete(serviceExports, { namespace, name })
    for (const name of names) await gone(hub, name)
  })

  it('without an address stay so: their pods have names, and kube-proxy leaves them alone', async () => {
    await serve(a, 'db', { clusterIP: 'None' }, ['10.1.1.7', '10.1.1.8'])
    await export_(a, 'db')
    await imports(b, 'db', [`a ${await global(a, '10.1.1.7')}`, `a ${await global(a, '10.1.1.8')}`])
    const { spec } = await imported(b, 'db')
    assert.equal(spec.type, 'Headless')
    assert.deepEqual(spec.ips ?? [], [])
    assert.equal(await b.client.get(services, { namespace, name: 'clusterset-db' }), undefined)
    const [slice] = await slicesOf(b, 'db')
    assert.deepEqual(
      slice?.endpoints?.map(({ hostname }) => hostname),
      ['db-0', 'db-1'],
    )
    assert.equal(slice?.metadata.labels?.['service.kubernetes.io/headless'], '')
    assert.equal(slice?.metadata.labels?.['kubernetes.io/service-name'], undefined)
  })

  it('never take the place of what users have, and say that it is in the way', async () => {
    const theirs = { metadata: { namespace, name: 'taken' }, spec: { type: 'ClusterSetIP', ports: [{ port: 1 }] } }
    await must(b.client.create(serviceImports, theirs as KubeObject))
    const service = { metadata: { namespace, name: 'clusterset-taken' }, spec: { ports: [{ port: 1 }] } }
    await must(hub.client.create(services, service as KubeObject))
    await serve(a, 'taken')
    await export_(a, 'taken')
    await says(a, 'taken', { Valid: 'True Valid', Ready: 'False Failed' })
    const message = await eventually('both are named', async () => {
      const { status } = (await a.client.get(serviceExports, { namespace, name: 'taken' })) ?? {}
      const ready = status?.conditions?.find(({ type }) => type === 'Ready')?.message
      return ready?.includes('cluster b') && ready.includes('cluster hub') ? ready : undefined
    })
    assert.match(message, /there is a ServiceImport .*there is a Service clusterset-taken/)
    await a.client.delete(serviceExports, { namespace, name: 'taken' })
    await imports(a, 'taken', [])
    assert.deepEqual((await importOf(b, 'taken'))?.spec.ports, [{ port: 1 }])
    assert.ok(await hub.client.get(services, { namespace, name: 'clusterset-taken' }))
  })

  it('that nobody can export are refused on their export', async () => {
    const service = {
      metadata: { namespace, name: 'alias' },
      spec: { type: 'ExternalName', externalName: 'example.org' },
    }
    await must(a.client.create(services, service as KubeObject))
    await export_(a, 'alias')
    await says(a, 'alias', { Valid: 'False InvalidServiceType', Ready: 'False Pending' })
    assert.equal(await importOf(b, 'alias'), undefined)
  })

  it('have no endpoints that are ready where no tunnel answers, and have them again when one does', async () => {
    const there = await global(a, '10.1.1.7')
    await linked.agentSays('b', false)
    await imports(b, 'web', [`a ${there} not ready`])
    await imports(a, 'web', ['a 10.1.1.7'])
    await linked.agentSays('b', true)
    await imports(b, 'web', [`a ${there}`])
  })

  it('stay when an API server is away, also from controllers that start meanwhile', async () => {
    const there = await global(a, '10.1.1.7')
    a.proxy?.cut()
    await linked.stop()
    await export_(b, 'restarted')
    b.proxy?.resetStats()
    linked.start()
    // What is new shows that the controllers have been at work.
    await says(b, 'restarted', { Valid: 'False NoService' })
    await imports(b, 'web', [`a ${there}`])
    const writes = ['CREATE', 'UPDATE', 'PATCH', 'DELETE']
    const written = b.proxy?.requests().filter(({ verb, path }) => writes.includes(verb) && !path.includes('/status'))
    assert.deepEqual(written, [], 'who starts anew finds everything as it should be')
    const address = (await importOf(b, 'web'))?.spec.ips
    await linked.agentSays('b', false)
    await imports(b, 'web', [`a ${there} not ready`])
    await linked.agentSays('b', true)
    await imports(b, 'web', [`a ${there}`])
    await publish(a.client, 'web', ['10.1.1.8'])
    await a.proxy?.restore()
    await imports(b, 'web', [`a ${await global(a, '10.1.1.8')}`])
    assert.deepEqual((await importOf(b, 'web'))?.spec.ips, address, 'its address is the same all the time')
  })

  it('come back when somebody deletes what stands for them, and cost no list while they change', async () => {
    b.proxy?.resetStats()
    await b.client.delete(services, { namespace, name: 'clusterset-web' })
    const { spec } = await imported(b, 'web', async ({ spec }) => {
      const derived = await b.client.get(services, { namespace, name: 'clusterset-web' })
      return derived && spec.ips?.[0] === derived.spec?.clusterIP
    })
    assert.ok(spec.ips?.[0])
    const [slice] = await slicesOf(b, 'web')
    await b.client.delete(endpointSlices, { namespace, name: slice?.metadata.name ?? '' })
    await must(b.client.patch(serviceImports, { namespace, name: 'web' }, { spec: { ports: [] } }, { type: 'merge' }))
    await imported(b, 'web', async ({ spec }) => spec.ports.length === 1 && (await slicesOf(b, 'web')).length === 1)
    for (const ip of ['10.1.1.20', '10.1.1.21', '10.1.1.22']) {
      await publish(a.client, 'web', [ip])
      await imports(b, 'web', [`a ${await global(a, ip)}`])
    }
    assert.equal(b.proxy?.stats().LIST, 0)
  })

  it('of a cluster that is let go are gone in the others, and those of others in it; what is not ours stays', async () => {
    await serve(b, 'kept')
    await export_(b, 'kept')
    await imports(a, 'kept', [`b ${await global(b, '10.1.1.7')}`])
    await must(
      hub.client.patch(clusters, { name: 'a' }, { spec: { clusterLinkOptions: { enable: false } } }, { type: 'merge' }),
    )
    for (const cluster of [b, hub]) await gone(cluster, 'web')
    for (const name of ['web', 'kept', 'db', 'both']) await gone(a, name)
    await eventually('ClusterLink has let it go', async () => {
      return (await hub.client.get(clusters, { name: 'a' }))?.metadata.finalizers === undefined
    })
    assert.deepEqual(await conditions(a, 'web'), {}, 'nobody speaks of its export any more')
    assert.ok(await a.client.get(services, { namespace, name: 'web' }))
    await imports(b, 'kept', ['b 10.1.1.7'])
  })

  it('of a cluster that another root links are left to that root, until it lets the cluster go', async () => {
    const link = (enable: boolean) =>
      must(hub.client.patch(clusters, { name: 'a' }, { spec: { clusterLinkOptions: { enable } } }, { type: 'merge' }))
    const metadata = { name: 'theirs-a1', labels: { 'kosmos.io/root-cluster': 'other', 'kosmos.io/cluster': 'theirs' } }
    await must(a.client.create(nodeConfigs, { metadata, spec: { nodeName: 'a1' } } as KubeObject))
    const lastTransitionTime = '2026-01-01T00:00:00Z'
    const said = [{ type: 'Valid', status: 'True', reason: 'SaidByTheOther', message: '', lastTransitionTime }]
    const ref = { namespace, name: 'web' }
    const patch = { status: { conditions: said } }
    await must(a.client.patch(serviceExports, ref, patch as KubeObject, { type: 'merge', subresource: 'status' }))
    a.proxy?.resetStats()
    await link(true)
    await eventually('its exports are seen', async () =>
      a.proxy?.requests().some(({ path }) => path.includes(`/namespaces/${namespace}/services`)),
    )
    // What is new everywhere shows that all have been looked at.
    await serve(b, 'new')
    await export_(b, 'new')
    await imports(hub, 'new', [`b ${await global(b, '10.1.1.7')}`])
    for (const name of ['new', 'kept']) assert.equal(await importOf(a, name), undefined)
    for (const cluster of [b, hub]) assert.equal(await importOf(cluster, 'web'), undefined)
    assert.deepEqual(await conditions(a, 'web'), { Valid: 'True SaidByTheOther' })
    await link(false)
    await eventually('ClusterLink lets it go', async () => {
      return (await hub.client.get(clusters, { name: 'a' }))?.metadata.finalizers === undefined
    })
    assert.deepEqual(await conditions(a, 'web'), { Valid: 'True SaidByTheOther' })
    await link(true)
    await a.client.delete(nodeConfigs, { name: 'theirs-a1' })
    await imports(a, 'new', [`b ${await global(b, '10.1.1.7')}`])
    await imports(b, 'web', [`a ${await global(a, '10.1.1.22')}`])
    await says(a, 'web', { Valid: 'True Valid', Ready: 'True Exported' })
  })
})
