import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { NodeConfigSpec } from '@kosmos/api'
import { type KubeObject, resource, unwrap } from '@kosmos/kube'
import { type Cidr, contains, formatCidr, parseCidr, translate } from '@kosmos/kube/addresses'
import { type AgentProcess, startAgent } from './agent/agent.fixture.ts'
import { tableName } from './agent/firewall/syntax.ts'
import { apply } from './agent/kernel.fixture.ts'
import { eventually, type Host, hostOf, type Network, startNetwork, unlessRoot } from './agent/network.fixture.ts'
import { type Backend, type CalicoCluster, type Felix, startCalico } from './calico.fixture.ts'
import { NetworkSources } from './control/members/network-sources.ts'
import { foundNetworks } from './discover/networks.ts'
import type { LinkCluster, LinkNetwork } from './model/network.ts'
import { buildNetwork, type ClusterSketch } from './plan/testing/networks.ts'
import { placeOf, plansOf } from './planned.fixture.ts'

const networkPolicies = resource<KubeObject>('networking.k8s.io/v1', 'NetworkPolicy', 'networkpolicies', 'Namespaced')
const unlessWhole =
  process.env.KOSMOS_LINK_MATRIX !== 'all' && 'only with KOSMOS_LINK_MATRIX=all, since Calico is built for it'

type Mode = 'p2p' | 'gateway'

const sketched = (networkType: Mode, overlapping: boolean): LinkNetwork => {
  const gateways = networkType === 'gateway' ? 1 : 0
  const sketch = { networkType, tunnel: 'vxlan', families: [4], nodes: 2, gateways, overlapping, prefix: 16 } as const
  return buildNetwork([sketch, sketch] satisfies ClusterSketch[])
}
const poolOf = ({ networks }: LinkCluster) => {
  const pool = networks.find(({ kind }) => kind === 'Pod')
  assert.ok(pool)
  return pool
}

/** Of a node, in one pool of its cluster. */
interface Pod {
  readonly place: string
  readonly cluster: string
  readonly host: Host
  readonly address: string
}

/** Tells who calls, by TCP and by UDP. */
const server = `
  const { createServer } = require('node:http')
  const { createSocket } = require('node:dgram')
  const socket = createSocket('udp4').on('message', (_, { address, port }) => socket.send(address, port, address))
  socket.bind(8080, () => {
    createServer((asks, to) => asks.resume().on('end', () => to.end(asks.socket.remoteAddress)))
      .listen(8080, '0.0.0.0', () => console.log('listening'))
  })`

for (const backend of ['NFT', 'Legacy'] satisfies Backend[]) {
  const iptables = `iptables-${backend.toLowerCase()}`

  describe(`clusters whose network is Calico with VXLAN and natOutgoing (${iptables})`, {
    skip: unlessRoot || unlessWhole,
  }, () => {
    let network: Network
    const calicos = new Map<string, CalicoCluster>()
    const felixes = new Map<string, Felix>()
    /** By whether they are of the pool that both clusters have. */
    const pods = { false: [] as Pod[], true: [] as Pod[] }
    const sources = new Map<string, NetworkSources>()
    const stop = new AbortController()
    let asFound: ReadonlyMap<string, string>

    const calicoOf = (cluster: string): CalicoCluster => {
      const calico = calicos.get(cluster)
      assert.ok(calico)
      return calico
    }
    const everyHost = <T>(work: (host: Host, place: string) => Promise<T>) =>
      Promise.all([...network.hosts].map(([place, host]) => work(host, place)))

    /** What Calico's own objects say of a cluster. */
    const found = (cluster: string) => {
      const said = sources.get(cluster)?.objects()
      assert.ok(said)
      const options = { podCIDRs: [], serviceCIDRs: [], cni: 'calico', globalCIDRsMap: {} }
      return foundNetworks(options, { ...said, nodes: [], serviceCIDRs: [] })
    }
    /** The sketched network with the nodes' networks as Calico has given them. */
    const linked = (networkType: Mode, overlapping: boolean): LinkNetwork =>
      new Map(
        [...sketched(networkType, overlapping)].map(([name, cluster]): [string, LinkCluster] => {
          const { ofNodes } = found(name)
          const pool = poolOf(cluster).local
          const nodes = [...cluster.nodes].map(([node, one]) => {
            const all = ofNodes.get(placeOf(name, node))?.map(parseCidr) ?? []
            return [node, { ...one, podCIDRs: all.filter((cidr) => contains(pool, cidr)) }] as const
          })
          return [name, { ...cluster, nodes: new Map(nodes) }]
        }),
      )
    const globalOf = (link: LinkNetwork, { cluster, address }: Pod): string => {
      const of = link.get(cluster)
      assert.ok(of)
      const { local, global } = poolOf(of)
      return formatCidr(translate(parseCidr(`${address}/32`) as Cidr, local, global)).split('/')[0] ?? ''
    }
    const ask = (from: Host, to: string, options = '') =>
      from.sh(`curl -sS -m 5 ${options} http://${to}:8080/ 2>&1`).catch(() => undefined)
    /** Whom the called one sees, once it answers. */
    const seenBy = (from: Host, to: string) => eventually(`${from.name} is answered by ${to}`, () => ask(from, to))

    const upload = 'head -c 1000000 /dev/zero | curl -sS -m 30 --data-binary @-'
    /** From each pod and each node to each pod of the other cluster, by everything; and from pods to pods of their own. */
    const expectPassage = async (link: LinkNetwork, all: readonly Pod[]) => {
      const pairs = all.flatMap((from) => all.map((to) => ({ from, to })))
      const between = pairs.filter(({ from, to }) => from.cluster !== to.cluster)
      const within = pairs.filter(({ from, to }) => from.cluster === to.cluster && from.place !== to.place)
      await Promise.all([
        ...between.map(async ({ from, to }) => {
          const [target, caller] = [globalOf(link, to), globalOf(link, from)]
          assert.equal(await seenBy(from.host, target), caller, `who ${from.place} is to ${to.place}`)
          // In fragments, as they do not fit.
          const others = [`echo . | nc -u -W 1 -w 9 ${target} 8080`, `ping -q -c 1 -W 9 -s 3000 ${target}`]
          const [byUdp, large] = await Promise.all([
            from.host.sh(others[0] ?? ''),
            from.host.sh(`${upload} http://${target}:8080/`),
            from.host.sh(others[1] ?? ''),
            seenBy(hostOf(network, from.place), target),
          ])
          assert.deepEqual([byUdp, large], [caller, caller], 'by UDP, and with 1 MB')
        }),
        ...within.map(async ({ from, to }) =>
          assert.equal(await seenBy(from.host, to.address), from.address, 'as before in the own cluster'),
        ),
      ])
    }
    const plans = (networkType: Mode, overlapping: boolean) => plansOf(linked(networkType, overlapping))
    const applyAll = (specs: ReadonlyMap<string, NodeConfigSpec>) =>
      everyHost(async (host, place) => {
        const spec = specs.get(place)
        assert.ok(spec)
        return await apply(host, spec)
      })
    /** Everything of a host that Calico, or we, could have changed; without counters. */
    const stateOf = (host: Host) =>
      host.sh(
        [
          `for p in ${iptables} ip6tables-${backend.toLowerCase()}; do $p-save | grep -v '^#' | sed 's/ \\[[0-9:]*\\]$//'; done`,
          // Their members come in any order.
          'ipset save | sort',
          "nft -s list ruleset 2>/dev/null | grep -v '^#' || true",
          'ip -d link; ip address; ip route show table all; ip rule; ip neigh show nud permanent; bridge fdb',
          'cat /proc/sys/net/ipv4/conf/*/rp_filter',
        ].join('\n'),
      )

    before(async () => {
      const [distinct, same] = [false, true].map((overlapping) => sketched('p2p', overlapping))
      assert.ok(distinct && same)
      const addresses = [...distinct.values()].flatMap(({ name, nodes }) =>
        [...nodes.values()].map((node) => [placeOf(name, node.name), [`${node.ip}/6`]] as const),
      )
      network = await startNetwork(Object.fromEntries(addresses))
      for (const [name, { nodes }] of distinct) {
        const of = [distinct, same].map((link) => link.get(name)).filter((one) => one !== undefined)
        const cidrs = of.map((cluster) => formatCidr(poolOf(cluster).local))
        const calico = await startCalico(network, { name, cidrs, backend })
        calicos.set(name, calico)
        const source = new NetworkSources({ client: calico.client, log: () => undefined, changed: () => undefined })
        sources.set(name, source)
        void source.run(stop.signal)
        for (const { name: node, ip } of nodes.values()) {
          const place = placeOf(name, node)
          const host = hostOf(network, place)
          // As Docker does, on the nodes of one cluster.
          if (name === 'c1') await host.sh(`${iptables} -P FORWARD DROP`)
          await calico.join(host, ip ?? '', cidrs[0] ?? '')
          felixes.set(place, await calico.felix(host))
          for (const [n, pool] of cidrs.entries()) {
            const pod = await calico.pod(host, `pod${n}-${place}`, pool)
            pods[n === 0 ? 'false' : 'true'].push({ place, cluster: name, ...pod })
            const listener = network.start(pod.host, [process.execPath, '-e', server])
            await once(listener.stdout ?? listener, 'data')
          }
        }
        await source.settled
      }
      for (const from of [...pods.false, ...pods.true]) {
        for (const to of [...pods.false, ...pods.true]) {
          if (to.cluster === from.cluster && to !== from && to.address !== from.address)
            await seenBy(from.host, to.address)
        }
      }
      await everyHost((host) =>
        eventually(
          'no address is being tried any more',
          async () => (await host.sh('ip address show tentative')) === '',
        ),
      )
      asFound = new Map(await everyHost(async (host, place) => [place, await stateOf(host)] as const))
    })
    after(async () => {
      stop.abort()
      for (const felix of felixes.values()) await felix.stop()
      await network?.end()
      for (const calico of calicos.values()) await calico.end()
    })

    it('are said by Calico to have its pools, and nodes to have the blocks that their pods are in', () => {
      for (const cluster of ['c0', 'c1']) {
        const { podCIDRs, podsFrom, ofNodes, invalid, contradictions } = found(cluster)
        assert.deepEqual(podCIDRs, [`10.10${cluster[1]}.0.0/16`, '10.90.0.0/16'])
        assert.equal(podsFrom, 'IPPools of Calico')
        assert.deepEqual([...invalid, ...contradictions], [])
        for (const { place, address } of [...pods.false, ...pods.true].filter((pod) => pod.cluster === cluster)) {
          const own = ofNodes.get(place)?.map(parseCidr) ?? []
          assert.ok(
            own.some((cidr) => contains(cidr, parseCidr(`${address}/32`))),
            `${address} is of ${place}`,
          )
        }
      }
    })

    for (const overlapping of [false, true]) {
      for (const mode of ['p2p', 'gateway'] as const) {
        it(`reach each other by ${mode} with ${overlapping ? 'the same' : 'distinct'} networks, and know who calls`, async () => {
          await applyAll(plans(mode, overlapping))
          await expectPassage(linked(mode, overlapping), pods[`${overlapping}`])
          const again = await applyAll(plans(mode, overlapping))
          assert.deepEqual(
            again.flatMap(({ steps }) => steps),
            [],
            'nothing is left to write',
          )
        })
      }
    }

    it('would take callers for their nodes, as Calico masquerades them, if it were not for our rules', async () => {
      await applyAll(plans('p2p', false))
      const [from, to] = ['c0', 'c1'].map((name) => pods.false.find(({ cluster }) => cluster === name))
      assert.ok(from && to)
      await hostOf(network, from.place).sh(`nft delete table inet ${tableName}`)
      assert.notEqual(await seenBy(from.host, to.address), from.address)
      await applyAll(plans('p2p', false))
      assert.equal(await seenBy(from.host, to.address), from.address)
    })

    it('let nobody in but whom a NetworkPolicy names, by its own address or by the global one', async () => {
      const policy = { namespace: 'default', name: 'only-one' }
      for (const overlapping of [false, true]) {
        const link = linked('gateway', overlapping)
        await applyAll(plans('gateway', overlapping))
        const all = pods[`${overlapping}`]
        const [target, ...neighbours] = all.filter(({ cluster }) => cluster === 'c1')
        const [caller, ...others] = all.filter(({ cluster }) => cluster === 'c0')
        assert.ok(target && caller)
        const calico = calicoOf('c1')
        const allow = async (...addresses: string[]) => {
          const ingress = addresses.map((address) => ({ from: [{ ipBlock: { cidr: `${address}/32` } }] }))
          const podSelector = { matchLabels: { name: target.host.name } }
          const spec = { podSelector, policyTypes: ['Ingress'], ingress }
          unwrap(await calico.client.apply(networkPolicies, { metadata: policy, spec } as KubeObject))
        }
        const refused = (from: Host, to: string) =>
          eventually(`${from.name} is refused`, async () => (await ask(from, to)) === undefined)
        const to = globalOf(link, target)
        await seenBy(caller.host, to)
        await allow()
        await refused(caller.host, to)
        await allow(globalOf(link, caller))
        assert.equal(await seenBy(caller.host, to), globalOf(link, caller))
        for (const other of others) assert.equal(await ask(other.host, to), undefined)
        assert.equal(await ask(hostOf(network, caller.place), to), undefined, 'a node')
        for (const { host } of neighbours) assert.equal(await ask(host, target.address), undefined)
        await calico.client.delete(networkPolicies, policy)
        await seenBy(neighbours[0]?.host ?? caller.host, target.address)
      }
    })

    it('go on when Felix or the agents start again, or rules are flushed; then neither writes anything', async (t) => {
      const specs = plans('p2p', false)
      const agents = new Map<string, AgentProcess>()
      t.after(() => {
        for (const { process } of agents.values()) process.kill('SIGKILL')
      })
      const startAgents = async () => {
        for (const [place, host] of network.hosts) {
          const spec = specs.get(place)
          assert.ok(spec)
          agents.set(place, await startAgent(network, host, spec))
        }
      }
      const passes = () => expectPassage(linked('p2p', false), pods.false)
      await startAgents()
      await passes()
      for (const [place, felix] of felixes) {
        await felix.stop()
        const [, cluster = ''] = /^(c\d)/.exec(place) ?? []
        felixes.set(place, await calicoOf(cluster).felix(hostOf(network, place)))
      }
      await passes()
      for (const { process } of agents.values()) process.kill('SIGKILL')
      await startAgents()
      await passes()
      const closed = hostOf(network, 'c1n0')
      await closed.sh(`${iptables} -F FORWARD`)
      await eventually('both have put their rules back', async () => {
        const rules = await closed.sh(`${iptables} -S FORWARD`)
        return rules.includes('cali-FORWARD') && rules.includes('-i vx-bridge')
      })
      await passes()
      // Whoever was first puts a rule before or behind the other's once.
      const neitherWrites = async () => {
        const before = await everyHost(stateOf)
        const logs = new Map([...felixes].map(([place, felix]) => [place, felix.log().length]))
        const written = await everyHost(async (host) => {
          const monitors = ['ip monitor link address route rule', 'nft monitor'].map((command) =>
            network.start(host, command.split(' ')),
          )
          let seen = ''
          for (const monitor of monitors) monitor.stdout?.on('data', (chunk) => (seen += chunk))
          // Felix looks after its rules and routes each second.
          await sleep(5_000)
          return seen
        })
        assert.deepEqual(written, ['', '', '', ''])
        for (const [place, felix] of felixes) {
          const said = felix.log().slice(logs.get(place))
          assert.doesNotMatch(said, /out-of-sync|[Ii]nconsisten|unexpected/)
        }
        assert.deepEqual(await everyHost(stateOf), before)
        return true
      }
      await eventually('neither writes anything', () => neitherWrites().catch(() => undefined))
    })

    it('leave everything as Calico had it when they are linked no longer', async () => {
      await everyHost((host) => apply(host, { nodeName: 'n' }))
      for (const [place, host] of network.hosts) {
        const [was, is] = [asFound.get(place) ?? '', await stateOf(host)].map((state) => state.split('\n'))
        const more = is?.filter((line) => !was?.includes(line))
        const less = was?.filter((line) => !is?.includes(line))
        assert.deepEqual({ place, more, less }, { place, more: [], less: [] })
        assert.deepEqual(is, was)
      }
    })

    it('are followed: a node gets a further block when its block is full', async () => {
      const pool = '10.100.0.0/16'
      const before = found('c0').ofNodes.get('c0n0') ?? []
      const host = hostOf(network, 'c0n0')
      // A block has four addresses.
      for (const id of ['a', 'b', 'c', 'd']) {
        const address = parseCidr(`${await calicoOf('c0').address(host, id, pool)}/32`)
        await eventually('its block is known', async () =>
          found('c0')
            .ofNodes.get('c0n0')
            ?.some((cidr) => contains(parseCidr(cidr), address)),
        )
      }
      assert.notDeepEqual(found('c0').ofNodes.get('c0n0'), before)
    })
  })
}
