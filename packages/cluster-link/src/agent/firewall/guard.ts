import type { LinkDevice, NodeConfigSpec } from '@kosmos/api'
import type { Family } from '../net/cidr.ts'
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
  ]
}

/** VXLAN knows no peers: whoever reaches the port could send into the cluster. */
function peerRules({ fdbs = [], devices = [] }: NodeConfigSpec, device: LinkDevice): string[] {
  const { name, port } = device
  const below = devices.filter(({ type }) => type !== 'vxlan').map((one) => quoted(one.name))
  const ends = fdbs.filter(({ dev }) => dev === name).map(({ ip }) => ip)
  return [
    ...(isSecure(device) ? [`udp dport ${port} ${notBy(below)}counter drop`] : []),
    ...families.map((family) => `udp dport ${port} ${strangers(ends, family)} counter drop`),
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
  return families.map((family) => `iifname ${quoted(name)} ${strangers(behind, family)} counter drop`)
}

/** Matches packets from anywhere but the networks known. */
function strangers(known: readonly string[], family: Family): string {
  const networks = outermost(known, family)
  return networks.length > 0 ? `${header(family)} saddr != ${setOf(networks)}` : `meta nfproto ipv${family}`
}
