import type { LinkDevice, NodeConfigSpec } from '@kosmos/api'
import type { Family } from '../net/cidr.ts'
import { circleRules } from './handing-on.ts'
import { isSecure } from './leak.ts'
import type { Sides } from './sides.ts'
import { chain, families, header, outermost, quoted, setOf } from './syntax.ts'

/** Who may send what into the tunnels. */
export function guardChains(spec: NodeConfigSpec, { outside, inside }: Sides): string[] {
  return [
    chain(
      'input',
      'type filter hook input priority filter',
      [...outside, ...inside].flatMap((device) => peerRules(spec, device)),
    ),
    chain(
      'prerouting_source',
      // Before connection tracking and before destinations are rewritten.
      'type filter hook prerouting priority raw - 5',
      outside.flatMap((device) => sourceRules(spec, device)),
    ),
    chain('forward_transit', 'type filter hook forward priority filter', transitRules(spec, { outside, inside })),
  ]
}

/** VXLAN knows no peers: whoever reaches the port could send into the cluster. */
function peerRules({ fdbs = [], devices = [] }: NodeConfigSpec, device: LinkDevice): string[] {
  const { name, port } = device
  const below = devices.filter(({ type }) => type !== 'vxlan').map((one) => quoted(one.name))
  const ends = fdbs.filter(({ dev }) => dev === name).map(({ ip }) => ip)
  return [
    ...(isSecure(device) ? [`udp dport ${port} ${notBy(below)}counter drop`] : []),
    ...families.map((family) => `udp dport ${port} ${beyond('saddr', ends, family)} counter drop`),
  ]
}

/** Matches packets that come by no device of these; sets of one are written as nft prints them. */
function notBy(names: readonly string[]): string {
  if (names.length === 0) return ''
  return `iifname != ${names.length === 1 ? names[0] : setOf(names)} `
}

/** A cluster speaks for its own networks only: what it says it comes from must be routed to it. */
function sourceRules({ routes = [], arps = [] }: NodeConfigSpec, { name }: LinkDevice): string[] {
  const behind = [...routes.map(({ cidr, dev }) => ({ cidr, dev })), ...arps.map(({ ip, dev }) => ({ cidr: ip, dev }))]
    .filter(({ dev }) => dev === name)
    .map(({ cidr }) => cidr)
  return families.map((family) => `iifname ${quoted(name)} ${beyond('saddr', behind, family)} counter drop`)
}

/** No plan leads from one cluster through another to a third: who may not talk must not do so by somebody else's gateway. */
function transitRules(spec: NodeConfigSpec, { outside, inside }: Sides): string[] {
  const { arps = [], routes = [], inwardRoutes = [] } = spec
  if (outside.length === 0) return []
  const from = `iifname ${setOf(outside.map(({ name }) => quoted(name)))}`
  return [
    ...circleRules(spec, { outside, inside }),
    // What kube-proxy sends on is for a Service of this cluster, wherever the pods of that are.
    `${from} ct status dnat accept`,
    `${from} oifname ${setOf(outside.map(({ name }) => quoted(name)))} counter drop`,
    // To nodes of the own cluster goes what is for their pods or themselves; the rest another gateway would carry on.
    ...inside.flatMap(({ name }) => {
      const known = [...inwardRoutes, ...routes, ...arps.map(({ ip, dev }) => ({ cidr: ip, dev }))]
      const ends = known.filter(({ dev }) => dev === name).map(({ cidr }) => cidr)
      return families.map((family) => `${from} oifname ${quoted(name)} ${beyond('daddr', ends, family)} counter drop`)
    }),
  ]
}

/** Matches packets from, or to, anywhere but the networks known. */
function beyond(side: 'saddr' | 'daddr', known: readonly string[], family: Family): string {
  const networks = outermost(known, family)
  return networks.length > 0 ? `${header(family)} ${side} != ${setOf(networks)}` : `meta nfproto ipv${family}`
}
