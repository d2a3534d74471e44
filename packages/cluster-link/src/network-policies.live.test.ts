import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, before, describe, it } from 'node:test'
import {
  Client,
  Connection,
  createTransport,
  type KubeObject,
  loadKubeConfig,
  pods,
  resource,
  serviceAccounts,
  unwrap,
} from '@kosmos/kube'
import { type Cidr, translate } from '@kosmos/kube/addresses'
import { type ControlPlane, ensurePrograms, silent, startControlPlane } from '@kosmos/testbed'
import { apply } from './agent/kernel.fixture.ts'
import { eventually, type Host, hostOf, unlessRoot } from './agent/network.fixture.ts'
import type { LinkCluster, LinkNetwork } from './model/network.ts'
import { startNetworkPolicies } from './network-policies.fixture.ts'
import { buildNetwork, type ClusterSketch } from './plan/testing/networks.ts'
import { addressIn, type PlannedHosts, placeOf, plansOf, startPlanned } from './planned.fixture.ts'
import { createNode, createPod } from './plug-in-cluster.fixture.ts'

const networkPolicies = resource<KubeObject>('networking.k8s.io/v1', 'NetworkPolicy', 'networkpolicies', 'Namespaced')
const unlessWhole =
  process.env.KOSMOS_LINK_MATRIX !== 'all' && 'only with KOSMOS_LINK_MATRIX=all, since kube-router is built for it'

const linkedBy = (networkType: 'p2p' | 'gateway', overlapping: boolean): LinkNetwork => {
  const gateways = networkType === 'gateway' ? 1 : 0
  const sketch = { networkType, tunnel: 'vxlan', families: [4], nodes: 2, gateways, overlapping, prefix: 16 } as const
  return buildNetwork([sketch, sketch] satisfies ClusterSketch[])
}

/** A pod, its own address, and the one that other clusters know it by. */
interface Pod {
  readonly host: Host
  readonly own: string
  readonly global: string
}

interface Call {
  readonly from: Host
  /** Of its addresses, where it has several. */
  readonly source?: string
  readonly to: string
}

const globalOf = ({ networks }: LinkCluster, cidr: Cidr): string => {
  const seen = networks.find(({ kind }) => kind === 'Pod')
  assert.ok(seen)
  return addressIn(translate(cidr, seen.local, seen.global))
}

/** Tells who calls. */
const server =
  "require('node:http').createServer(({ socket }, to) => to.end(socket.remoteAddress)).listen(8080, '0.0.0.0', () => console.log('listening'))"

describe('a NetworkPolicy of the receiving cluster, as kube-router enforces it', {
  skip: unlessRoot || unlessWhole,
}, () => {
  let controlPlane: ControlPlane
  let client: Client
  let hosts: PlannedHosts
  let engine: { stop(): void } | undefined
  const called = { namespace: 'default', name: 'called' }
  const policy = { namespace: 'default', name: 'only-one' }

  const podOf = (link: LinkNetwork, clusterName: string, nodeName: string): Pod => {
    const cluster = link.get(clusterName)
    const [cidr] = cluster?.nodes.get(nodeName)?.podCIDRs ?? []
    const host = hosts.podOn.get(placeOf(clusterName, nodeName))
    assert.ok(cluster && cidr && host)
    return { host, own: addressIn(cidr), global: globalOf(cluster, cidr) }
  }
  /** As who it is answered; undefined: a rule rejects it, which nothing else here does. */
  const call = async ({ from, source, to }: Call): Promise<string | undefined> => {
    const asked = `curl -sS -m 3 ${source === undefined ? '' : `--interface ${source}`} http://${to}:8080/ 2>&1 || true`
    const said = await from.sh(asked)
    if (/^\d+\.\d+\.\d+\.\d+$/.test(said)) return said
    if (said.includes('Could not connect') || said.includes("Couldn't connect")) return undefined
    throw new Error(`${from.name}: ${said}`)
  }
  const isAnswered = (one: Call) => eventually(`${one.from.name} is answered`, () => call(one).catch(() => undefined))
  const isRefused = (one: Call) =>
    eventually(`${one.from.name} is refused`, async () => (await call(one).catch(() => '')) === undefined)
  const allow = async (...addresses: string[]) => {
    const ingress = addresses.map((address) => ({ from: [{ ipBlock: { cidr: `${address}/32` } }] }))
    const spec = { podSelector: { matchLabels: { name: 'called' } }, policyTypes: ['Ingress'], ingress }
    unwrap(await client.apply(networkPolicies, { metadata: policy, spec } as KubeObject))
  }

  before(async () => {
    await ensurePrograms(['curl'], silent)
    controlPlane = await startControlPlane({ name: 'network-policies' })
    const transport = await createTransport(loadKubeConfig({ file: controlPlane.kubeconfig }))
    client = new Client(new Connection('network-policies', transport), 'kosmos-test')
    const built = [false, true].map((overlapping) => linkedBy('p2p', overlapping))
    hosts = await startPlanned(built)
    const node = hostOf(hosts.network, placeOf('c1', 'n1'))
    const ip = built[0]?.get('c1')?.nodes.get('n1')?.ip
    await createNode(client, node, ip)
    await client.create(serviceAccounts, { metadata: { namespace: 'default', name: 'default' } })
    await createPod(client, node, called.name)
    const status = { phase: 'Running', hostIP: ip, hostIPs: [{ ip }] }
    unwrap(await client.patch(pods, called, { status }, { type: 'merge', subresource: 'status' }))
    const inPod = hosts.podOn.get(node.name)
    assert.ok(inPod)
    const listener = hosts.network.start(inPod, [process.execPath, '-e', server])
    await once(listener.stdout ?? listener, 'data')
    engine = await startNetworkPolicies(hosts.network, node, controlPlane)
  })
  after(async () => {
    await hosts?.network.end()
    engine?.stop()
    await client?.connection.close()
    await controlPlane?.stop()
  })

  for (const overlapping of [false, true]) {
    for (const networkType of ['p2p', 'gateway'] as const) {
      const which = overlapping ? 'global address' : 'own address'
      it(`lets in the one pod whose ${which} it names, and nobody else (${networkType})`, async () => {
        const link = linkedBy(networkType, overlapping)
        const target = podOf(link, 'c1', 'n1')
        const status = { podIP: target.own, podIPs: [{ ip: target.own }] }
        unwrap(await client.patch(pods, called, { status }, { type: 'merge', subresource: 'status' }))
        await client.delete(networkPolicies, policy)
        for (const [place, spec] of plansOf(link)) await apply(hostOf(hosts.network, place), spec)
        const caller = podOf(link, 'c0', 'n1')
        const beside = podOf(link, 'c0', 'n0')
        const neighbour = podOf(link, 'c1', 'n0')
        const callerNode = hostOf(hosts.network, placeOf('c0', 'n1'))
        const first = { from: caller.host, source: caller.own, to: target.global }
        const others: Call[] = [
          { from: beside.host, source: beside.own, to: target.global },
          { from: callerNode, to: target.global },
          { from: neighbour.host, source: neighbour.own, to: target.own },
        ]
        for (const one of [first, ...others]) await isAnswered(one)
        await allow()
        for (const one of [first, ...others]) await isRefused(one)
        await allow(caller.global)
        assert.equal(await isAnswered(first), caller.global)
        for (const one of others) assert.equal(await call(one), undefined)
        assert.equal(overlapping, caller.global !== caller.own)
      })
    }
  }
})
