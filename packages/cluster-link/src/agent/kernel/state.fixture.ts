import fc from 'fast-check'
import { type Forward, forwardKey } from './forward.ts'
import {
  byHop,
  type Fdb,
  fdbKey,
  hopKey,
  type KernelState,
  keyedBy,
  type Link,
  type Neighbour,
  neighbourKey,
  type Peer,
  type Route,
  routeKey,
  ruleKey,
  type WireGuard,
} from './state.ts'

const vxlanNames = ['vx-bridge', 'vx-local', 'vx-secure']
const addresses = ['220.0.0.1', '220.0.0.2', 'fd22::1']
const macs = ['02:00:00:00:00:01', '02:00:00:00:00:02']
const one = <T>(...items: T[]) => fc.constantFrom(...items)
/** Plain objects, as parsers make them. */
const record = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }) => fc.record<T>(model, { noNullPrototype: true })
const some = (items: readonly string[]) => fc.subarray([...items]).map((chosen) => chosen.sort())

const prefixes = some(addresses.map((address) => `${address}/${address.includes(':') ? 128 : 32}`))

const vxlan = (name: string): fc.Arbitrary<Link> =>
  record({
    name: fc.constant(name),
    kind: fc.constant('vxlan' as const),
    vxlan: record({ id: one(54, 55), port: one(4876), local: one('192.0.2.1', '192.0.2.9') }),
    mac: one(...macs),
    mtu: one(1450, 1400),
    addresses: prefixes,
    isUp: fc.constant(true),
    isMarked: fc.constant(true),
    isLoose: fc.constant(true),
  })

const tunnel: fc.Arbitrary<Link> = record({
  name: fc.constant('kl-wireguard'),
  kind: one('wireguard' as const, 'tun' as const),
  mtu: one(1420, 1400),
  addresses: prefixes,
  isUp: fc.constant(true),
  isMarked: fc.constant(true),
  isLoose: fc.constant(true),
})

const ipsecDevice: fc.Arbitrary<Link> = record({
  name: fc.constant('ipsec0'),
  kind: one('xfrm' as const, 'libipsec' as const),
  mtu: one(1400, 1300),
  addresses: prefixes,
  isUp: fc.constant(true),
  isMarked: fc.constant(true),
  isLoose: fc.constant(true),
})

const peer: fc.Arbitrary<Peer> = record({
  publicKey: one('one', 'two', 'three'),
  endpoint: one('192.0.2.1:1', '192.0.2.2:2'),
  allowedIPs: some(['240.0.0.1/32', '240.0.0.2/32']),
})

/** States that a kernel can have: nothing hangs on a device that is not there. */
export const kernelStates: fc.Arbitrary<KernelState> = fc
  .tuple(fc.subarray(vxlanNames), fc.option(tunnel, { nil: undefined }), fc.option(ipsecDevice, { nil: undefined }))
  .chain(([names, ...below]) =>
    fc.tuple(...names.map(vxlan)).map((links) => [...links, ...below.filter((link) => link !== undefined)]),
  )
  .chain((links) => record(partsOf(links)))

function partsOf(links: readonly Link[]): { [K in keyof KernelState]: fc.Arbitrary<KernelState[K]> } {
  const vxlans = links.filter(({ kind }) => kind === 'vxlan').map(({ name }) => name)
  const onVxlan = <T>(entry: (dev: string) => fc.Arbitrary<T>): fc.Arbitrary<T[]> =>
    vxlans.length === 0 ? fc.constant([]) : fc.array(one(...vxlans).chain(entry), { maxLength: 5 })
  const fdb = (dev: string): fc.Arbitrary<Fdb> =>
    record({ dev: fc.constant(dev), mac: one(...macs), ip: one('192.0.2.2', '192.0.2.3') })
  const neighbour = (dev: string): fc.Arbitrary<Neighbour> =>
    record({ dev: fc.constant(dev), ip: one(...addresses), mac: one(...macs) })
  const tunnels = links.filter(({ kind }) => kind === 'wireguard' || kind === 'tun')
  const hasIpsec = links.some(({ name }) => name === 'ipsec0')
  const wireGuards = tunnels.map(
    ({ name }): fc.Arbitrary<WireGuard> =>
      record({
        dev: fc.constant(name),
        publicKey: one('ours', 'another'),
        port: one(51_872, 51_873),
        peers: fc.array(peer, { maxLength: 3 }).map((peers) => keyedBy(peers, ({ publicKey }) => publicKey)),
      }),
  )
  const forwards = vxlans.flatMap((dev): Forward[] => [
    { chain: { iptables: 'iptables' }, direction: 'i', dev },
    { chain: { nft: { family: 'inet', table: 'others', name: 'pass' } }, direction: 'o', dev },
  ])
  return {
    links: fc.constant(keyedBy(links, ({ name }) => name)),
    routes: fc
      .array(fc.oneof(routeOver(links), one<Route>({ cidr: '240.0.0.0/8', hops: [] })), { maxLength: 6 })
      .map((routes) => keyedBy(routes, routeKey)),
    rules: fc
      .subarray([ruleKey(4), ruleKey(6), ruleKey(4, 'vx-bridge'), ruleKey(4, 'vx-local', 'handed-on')])
      .map((keys) => new Set(keys)),
    fdbs: onVxlan(fdb).map((entries) => keyedBy(entries, fdbKey)),
    neighbours: onVxlan(neighbour).map((entries) => keyedBy(entries, neighbourKey)),
    wireGuards: fc.tuple(...wireGuards).map((all) => keyedBy(all, ({ dev }) => dev)),
    ipsecs: some(hasIpsec ? ['kosmos-one', 'kosmos-two', 'kosmos-three'] : []).map((names) =>
      keyedBy(
        names.map((name) => ({ name })),
        ({ name }) => name,
      ),
    ),
    nft: one('', 'table one', 'table two'),
    forwards: fc.subarray(forwards).map((chosen) => keyedBy(chosen, forwardKey)),
  }
}

function routeOver(links: readonly Link[]): fc.Arbitrary<Route> {
  if (links.length === 0) return one<Route>({ cidr: '240.0.0.0/8', hops: [] })
  const hop = record({ dev: one(...links.map(({ name }) => name)), gateway: one('220.0.0.8', '220.0.0.9') })
  const sources = links.flatMap(({ addresses }) => addresses.map((address) => address.split('/')[0] ?? ''))
  return record({
    cidr: one('10.1.0.0/16', '10.2.0.0/16', '10.3.0.0/16'),
    hops: fc.array(hop, { minLength: 1, maxLength: 3 }).map((hops) => [...keyedBy(hops, hopKey).values()].sort(byHop)),
    which: fc.constantFrom({}, { isInward: true as const }, { isHandedOn: true as const }),
    source: sources.length > 0 ? fc.option(one(...sources), { nil: undefined }) : fc.constant(undefined),
  }).map(({ source, which, ...route }) => ({
    ...route,
    ...(source !== undefined && { source }),
    ...which,
  }))
}
