import type { NodeConfigSpec } from '@kosmos/api'
import { canonicalNetwork, type Family, familyOf } from '../net/cidr.ts'
import type { Sides } from './sides.ts'
import { header, outermost, quoted, setOf } from './syntax.ts'

/** Matches ICMP that speaks of another packet (RFC 792; RFC 4443, section 3). */
const errors = {
  4: 'icmp type { destination-unreachable, parameter-problem, time-exceeded }',
  6: 'icmpv6 type { destination-unreachable, packet-too-big, parameter-problem, time-exceeded }',
} as const

/** Matches errors that nodes of this cluster themselves send about packets that a gateway does not track; one a family at most. */
export function errorsOfNodes({ masquerades = [] }: NodeConfigSpec, family: Family): string[] {
  const sources = outermost(
    masquerades.map(({ source }) => source),
    family,
  )
  return sources.length > 0 ? [`${header(family)} saddr ${setOf(sources)} ${errors[family]}`] : []
}

/**
 * Other clusters take nothing from nodes behind gateways, as they do not know their addresses. Errors of those are no
 * connection that could be masqueraded: they leave as if the gateway had sent them.
 */
export function errorSourceRules({ masquerades = [], devices = [] }: NodeConfigSpec, { outside }: Sides): string[] {
  return masquerades.flatMap(({ source, dev }) => {
    const family = familyOf(source)
    const device = outside.some(({ name }) => name === dev) && devices.find(({ name }) => name === dev)
    const own = device && (family === 4 ? device.addr : device.addr6)?.split('/')[0]
    if (!own) return []
    const address = `${header(family)} saddr`
    return [`oifname ${quoted(dev)} ${address} ${canonicalNetwork(source)} ${errors[family]} ${address} set ${own}`]
  })
}
