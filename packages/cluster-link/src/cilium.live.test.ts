import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, before, describe, it } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import {
  Client,
  Connection,
  createTransport,
  type KubeObject,
  loadKubeConfig,
  nodes,
  resource,
  serviceAccounts,
  unwrap,
} from '@kosmos/kube'
import { contains, nthAddress, parseCidr, translate } from '@kosmos/kube/addresses'
import { type ControlPlane, ensurePrograms, silent, startControlPlane } from '@kosmos/testbed'
import { apply } from './agent/kernel.fixture.ts'
import { eventually, type Host, hostOf, unlessRoot } from './agent/network.fixture.ts'
import { type Cilium, startCilium } from './cilium.fixture.ts'
import { linkOwnCluster, served } from './control/members/own-cluster.fixture.ts'
import { ciliumNodes } from './control/resources.ts'
import { foundNetworks, seenNetworks } from './discover/networks.ts'
import { objects } from './discover/objects.fixture.ts'
import type { LinkCluster, LinkNetwork } from './model/network.ts'
import { buildNetwork, type ClusterSketch } from './plan/testing/networks.ts'
import { addressIn, type PlannedHosts, placeOf, plansOf, startPlanned } from './planned.fixture.ts'

const unlessWhole =
  process.env.KOSMOS_LINK_MATRIX !== 'all' && 'only with KOSMOS_LINK_MATRIX=all, since Cilium is built for it'
const ciliumNetworkPolicies = resource<KubeObject>(
  'cilium.io/v2',
  'CiliumNetworkPolicy',
  'ciliumnetworkpolicies',
  'Namespaced',
)

interface Variant {
  readonly networkType: 'p2p' | 'gateway'
  readonly overlapping: boolean
}

const variants: Variant[] = (['p2p', 'gateway'] as const).flatMap((networkType) =>
  [false, true].map((overlapping) => ({ networkType, overlapping })),
)
const nameOf = ({ networkType, overlapping }: Variant) =>
  `${networkType}, ${overlapping ? 'with the same networks' : 'with networks of their own'}`

/** Cilium has the network of c0 that c1 has too where they overlap. */
const sketched = ({ networkType, overlapping }: Variant): LinkNetwork => {
  const gateways = networkType === 'gateway' ? 1 : 0
  const sketch = { networkType, tunnel: 'vxlan', families: [4], nodes: 2, gateways, prefix: 16 } as const
  return buildNetwork([
    { ...sketch, overlapping: true },
    { ...sketch, overlapping },
  ] satisfies ClusterSketch[])
}
const podCIDR = '10.90.0.0/16'

/** How Cilium is installed, by what that means for packets. */
const installations: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'VXLAN, masquerading by iptables, beside kube-proxy': { 'routing-mode': 'tunnel', 'tunnel-protocol': 'vxlan' },
}

interface Pod {
  readonly host: Host
  readonly own: string
  /** As other clusters know it. */
  readonly global: string
}

/** Tells who calls, by TCP and by UDP; or more than one packet holds. */
const server = `
  const large = 'x'.repeat(300_000)
  const http = require('node:http').createServer(({ socket, url }, to) => to.end(url === '/large' ? large : socket.remoteAddress))
  // A socket for each address: one for all answers from the first, whichever was asked.
  const own = Object.values(require('node:os').networkInterfaces()).flat().filter(({ family }) => family === 'IPv4')
  for (const { address: asked } of own) {
    const udp = require('node:dgram').createSocket('udp4')
    udp.on('message', (_, { address, port }) => udp.send(address, port, address)).bind(8080, asked)
  }
  http.listen(8080, '0.0.0.0', () => console.log('listening'))`

const asksByUdp = (source: string, to: string) => `
  const socket = require('node:dgram').createSocket('udp4');
  socket.on('message', (said) => { console.log(String(said)); process.exit() });
  socket.bind(0, '${source}', () => socket.send('who calls?'.repeat(400), 8080, '${to}'));
  setTimeout(() => process.exit(1), 5_000)`

for (const [how, settings] of Object.entries(installations)) {
  describe(`a cluster whose network is Cilium's (${how})`, { skip: unlessRoot || unlessWhole }, () => {
    let controlPlane: ControlPlane
    let client: Client
    let hosts: PlannedHosts
    let cilium: Cilium | undefined
    let asItWas: readonly string[]
    const own = new Map<string, { readonly host: Host; readonly address: string }>()
    const places = ['n0', 'n1'].map((name) => placeOf('c0', name))
    const nodesOfCilium = () => places.map((place) => hostOf(hosts.network, place))

    /** What Cilium's operator says which node has, as ClusterLink reads it. */
    const linkOf = async (variant: Variant): Promise<LinkNetwork> => {
      const built = sketched(variant)
      const cluster = built.get('c0')
      assert.ok(cluster)
      const items = await client.listAll(ciliumNodes)
      const found = foundNetworks({ cni: 'cilium' }, objects({ ciliumNodes: items }))
      const mapping = cluster.networks.find(({ kind }) => kind === 'Pod')
      assert.ok(mapping && found.podsFrom === 'CiliumNodes')
      const services = cluster.networks.filter(({ kind }) => kind === 'Service')
      const pods = seenNetworks({ ...found, serviceCIDRs: [] }).map((seen) =>
        variant.overlapping ? { ...seen, global: translate(seen.local, mapping.local, mapping.global) } : seen,
      )
      const members = [...cluster.nodes].map(([name, node]) => {
        const podCIDRs = (found.ofNodes.get(placeOf('c0', name)) ?? []).map(parseCidr)
        assert.equal(podCIDRs.length, 1)
        return [name, { ...node, podCIDRs }] as const
      })
      const c0: LinkCluster = { ...cluster, networks: [...pods, ...services], nodes: new Map(members) }
      return new Map([...built, ['c0', c0]])
    }
    const podOf = (link: LinkNetwork, clusterName: string, nodeName: string): Pod => {
      const place = placeOf(clusterName, nodeName)
      const cluster = link.get(clusterName)
      const [cidr] = cluster?.nodes.get(nodeName)?.podCIDRs ?? []
      const host = own.get(place)?.host ?? hosts.podOn.get(place)
      assert.ok(cluster && cidr && host)
      const address = own.get(place)?.address ?? addressIn(cidr)
      const asCidr = parseCidr(`${address}/32`)
      const seen = cluster.networks.find(({ kind, local }) => kind === 'Pod' && contains(local, asCidr))
      assert.ok(seen)
      return { host, own: address, global: nthAddress(translate(asCidr, seen.local, seen.global), 0n) }
    }
    const call = (from: Host, source: string | undefined, to: string, path = '/') =>
      from.sh(`curl -sS -m 3 ${source === undefined ? '' : `--interface ${source}`} http://${to}:8080${path}`)
    const isAnswered = (from: Host, source: string | undefined, to: string) =>
      eventually(`${from.name} is answered by ${to}`, () => call(from, source, to).catch(() => undefined))
    const isRefused = (from: Host, source: string | undefined, to: string) =>
      eventually(`${from.name} is not answered by ${to}`, () =>
        call(from, source, to).then(
          () => false,
          (error) => /timed out/.test(`${error}`),
        ),
      )
    /** All that is not of single connections. */
    const state = () =>
      Promise.all(
        nodesOfCilium().map((host) =>
          host.sh(
            `ip -d -o link show; ip -o address show; ip rule; ip -6 rule; ip route show table all; ip -6 route show table all
            iptables-save | grep -v '^#' | sed 's/\\[[0-9:]*\\]//'; nft -s list tables
            grep . /proc/sys/net/ipv4/conf/*/rp_filter`,
          ),
        ),
      )

    before(async () => {
      await ensurePrograms(['curl'], silent)
      controlPlane = await startControlPlane({ name: 'cilium' })
      const transport = await createTransport(loadKubeConfig({ file: controlPlane.kubeconfig }))
      client = new Client(new Connection('cilium', transport), 'kosmos-test')
      const built = [false, true].map((overlapping) => sketched({ networkType: 'p2p', overlapping }))
      hosts = await startPlanned(built, new Set(['c0']))
      await client.create(serviceAccounts, { metadata: { namespace: 'default', name: 'default' } })
      const addresses = [...(built[0]?.get('c0')?.nodes.values() ?? [])].map(({ ip }) => ip)
      cilium = await startCilium(hosts.network, {
        client,
        server: controlPlane.server,
        kubeconfig: controlPlane.kubeconfig,
        nodes: new Map(nodesOfCilium().map((host, n) => [host, addresses[n] ?? ''])),
        podCIDR,
        settings,
      })
      for (const host of nodesOfCilium()) own.set(host.name, await cilium.pod(host, `pod-${host.name}`))
      for (const { host } of [...own.values(), ...[...hosts.podOn.values()].map((host) => ({ host }))]) {
        const listener = hosts.network.start(host, [process.execPath, '-e', server])
        await once(listener.stdout ?? listener, 'data')
      }
      const [first, second] = [...own.values()]
      assert.ok(first && second)
      assert.equal(await isAnswered(first.host, undefined, second.address), first.address)
      asItWas = await state()
    })
    after(async () => {
      await cilium?.stop()
      await hosts?.network.end()
      await client?.connection.close()
      await controlPlane?.stop()
    })

    it('is known to ClusterLink by what the operator gives to nodes, as they come and go', async () => {
      const linked = await linkOwnCluster(controlPlane, client)
      try {
        await linked.says('NetworksFound', /\(CiliumNodes\)/)
        const networksOf = async (name: string) => (await client.get(ciliumNodes, { name }))?.spec?.ipam
        const isFollowed = async (name: string) => {
          const given = await served(`the operator gives ${name} a network`, async () => {
            const { podCIDRs } = ((await networksOf(name)) ?? {}) as { podCIDRs?: string[] }
            return podCIDRs
          })
          await linked.nodeHas(name, given)
          return given[0] ?? ''
        }
        for (const place of places) await isFollowed(place)
        unwrap(await client.create(nodes, { metadata: { name: 'new' } }))
        // As its agent would make it.
        unwrap(await client.create(ciliumNodes, { metadata: { name: 'new' }, spec: { ipam: {} } } as KubeObject))
        const given = await isFollowed('new')
        await client.delete(ciliumNodes, { name: 'new' })
        await client.delete(nodes, { name: 'new' })
        await served(`${given} is nobody's`, async () => !(await linked.found()).podCIDRs.includes(given))
      } finally {
        await linked.stop()
      }
    })

    for (const variant of variants) {
      describe(nameOf(variant), () => {
        let link: LinkNetwork
        before(async () => {
          link = await linkOf(variant)
          for (const [place, spec] of plansOf(link)) await apply(hostOf(hosts.network, place), spec)
        })

        it('reaches the other one and is reached, by TCP, UDP and ICMP, also with large packets, and each sees who calls', async () => {
          for (const [from, to] of [
            ['c0', 'c1'],
            ['c1', 'c0'],
          ] as const) {
            for (const a of ['n0', 'n1']) {
              for (const b of ['n0', 'n1']) {
                const [caller, called] = [podOf(link, from, a), podOf(link, to, b)]
                assert.equal(await isAnswered(caller.host, caller.own, called.global), caller.global)
                assert.equal((await call(caller.host, caller.own, called.global, '/large')).length, 300_000)
                // In fragments, too: Cilium itself drops only those of ICMP.
                const script = asksByUdp(caller.own, called.global).replaceAll('\n', ' ')
                assert.equal((await caller.host.sh(`${process.execPath} -e "${script}"`)).trim(), caller.global)
                await caller.host.sh(`ping -c 1 -W 3 -I ${caller.own} ${called.global}`)
                // Cilium gives its pods 50 bytes less than the least MTU of the node's devices, which is that of ours.
                await caller.host.sh(`ping -c 1 -W 3 -I ${caller.own} -M do -s 1372 ${called.global}`)
              }
            }
          }
        })

        it('lets in by a policy of its own the one pod of the other one that it names, and nobody else', async () => {
          const called = podOf(link, 'c0', 'n1')
          const [caller, beside] = [podOf(link, 'c1', 'n1'), podOf(link, 'c1', 'n0')]
          const node = hostOf(hosts.network, placeOf('c1', 'n1'))
          const metadata = { namespace: 'default', name: 'only-one' }
          const spec = {
            endpointSelector: { matchLabels: { name: `pod-${placeOf('c0', 'n1')}` } },
            ingress: [{ fromCIDR: [`${caller.global}/32`] }],
          }
          await isAnswered(beside.host, beside.own, called.global)
          await isAnswered(node, undefined, called.global)
          unwrap(await client.create(ciliumNetworkPolicies, { metadata, spec } as KubeObject))
          await isRefused(beside.host, beside.own, called.global)
          await isRefused(node, undefined, called.global)
          assert.equal(await isAnswered(caller.host, caller.own, called.global), caller.global)
          await client.delete(ciliumNetworkPolicies, metadata)
          await isAnswered(beside.host, beside.own, called.global)
        })

        it('is at rest: neither writes because of what the other one has', async () => {
          const seen = await state()
          for (const [place, spec] of plansOf(link)) {
            assert.deepEqual((await apply(hostOf(hosts.network, place), spec)).steps, [])
          }
          assert.deepEqual(await state(), seen)
        })
      })
    }

    it('is as it was when it is linked no longer', async () => {
      for (const host of nodesOfCilium()) await apply(host, { nodeName: host.name })
      // Its devices follow the MTU of the others a moment later.
      await eventually('all is as it was', async () => isDeepStrictEqual(await state(), asItWas))
    })
  })
}
