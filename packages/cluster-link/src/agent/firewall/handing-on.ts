import type { NodeConfigSpec } from '@kosmos/api'
import { handedOnMark } from '../../model/names.ts'
import { type Family, familyOf } from '../net/cidr.ts'
import { networksBeyond, type Sides } from './sides.ts'
import { chain, families, header, outermost, quoted, setOf } from './syntax.ts'

/**
 * What other gateways hand on is marked until it is routed, and goes on to those only that come after this gateway, or
 * straight on. The mark
 * is nobody else's business: it is made after all others have had a look at the packet, and gone before they have the next.
 */
export function handingOnChains(spec: NodeConfigSpec, sides: Sides): string[] {
  const handed = handedOn(spec, sides)
  const mark = `0x${handedOnMark.toString(16)}`
  return [
    chain(
      'prerouting_handed_on',
      'type filter hook prerouting priority 200',
      handed.map(({ match }) => `${match} meta mark set meta mark | ${mark}`),
    ),
    chain(
      'forward_handed_on',
      'type filter hook forward priority raw',
      handed.map(({ match }) => `${match} meta mark set meta mark & 0x${(~handedOnMark >>> 0).toString(16)}`),
    ),
  ]
}

/** What neither another gateway nor this one could carry would go in a circle among them. */
export function circleRules(spec: NodeConfigSpec, sides: Sides): string[] {
  const within = `oifname ${setOf(sides.inside.map(({ name }) => quoted(name)))}`
  return handedOn(spec, sides).map(({ match, family }) => {
    const later = laterGateways(spec, family)
    const others = later.length > 0 ? ` rt ${header(family)} nexthop != ${setOf(later)}` : ''
    return `${within} ${match}${others} counter drop`
  })
}

/**
 * What nodes themselves send is handed on under an address of the gateway, so that the answer comes back by it: it would take
 * a connection for invalid of which it sees one half only. And what a gateway sends may come by it again, who takes no packet
 * that claims to be its own.
 */
export function handingOnMasquerades(spec: NodeConfigSpec, { outside, inside }: Sides): string[] {
  const { detours = [], masquerades = [] } = spec
  if (detours.length === 0 || inside.length === 0) return []
  const names = setOf(inside.map(({ name }) => quoted(name)))
  return families.flatMap((family) => {
    const [sources, networks] = [
      outermost(
        masquerades.map(({ source }) => source),
        family,
      ),
      networksBeyond(spec, outside, family),
    ]
    if (sources.length === 0 || networks.length === 0) return []
    const [source, target] = [`${header(family)} saddr ${setOf(sources)}`, `${header(family)} daddr ${setOf(networks)}`]
    return [`iifname ${names} oifname ${names} ${source} ${target} masquerade`]
  })
}

const laterGateways = ({ detours = [] }: NodeConfigSpec, family: Family): string[] =>
  detours.filter(({ gw, takesHandedOn }) => takesHandedOn && familyOf(gw) === family).map(({ gw }) => gw)

/** Matches what other gateways send in by a device; gateways are known by their hardware addresses. */
function gatewaysOf({ arps = [], detours = [] }: NodeConfigSpec, { inside }: Sides) {
  return inside.flatMap(({ name }) => {
    const gateways = detours.filter(({ dev }) => dev === name).map(({ gw }) => gw)
    const macs = arps.filter(({ dev, ip }) => dev === name && gateways.includes(ip)).map(({ mac }) => mac)
    if (macs.length === 0) return []
    return [{ by: `iifname ${quoted(name)}`, from: `ether saddr ${setOf(macs)}` }]
  })
}

/** Matches what they hand on: it is for other clusters. */
function handedOn(spec: NodeConfigSpec, sides: Sides): { match: string; family: Family }[] {
  return families.flatMap((family) => {
    const networks = networksBeyond(spec, sides.outside, family)
    if (networks.length === 0) return []
    const to = `${header(family)} daddr ${setOf(networks)}`
    return gatewaysOf(spec, sides).map(({ by, from }) => ({ family, match: `${by} ${from} ${to}` }))
  })
}
