import type { LinkDevice, LinkTranslation, NodeConfigSpec } from '@kosmos/api'
import { formatCidr, parseCidr, translate } from '@kosmos/kube/addresses'
import { contains } from '../net/cidr.ts'
import { isMapped, rewrite } from './rewrite.ts'
import { networksBeyond, type Sides } from './sides.ts'
import { chain, families, header, outermost, quoted, setOf } from './syntax.ts'

/**
 * What a gateway only passes on between pods of other nodes and other clusters is not tracked: a packet may be the first
 * that this gateway sees of a connection, when another one has gone or comes back, and translation is one to one.
 */
export function transitChains(spec: NodeConfigSpec, { outside, inside }: Sides): string[] {
  const { inwardRoutes = [], translations = [] } = spec
  if (outside.length === 0 || inside.length === 0) return []
  const pods = translations.filter(({ kind }) => kind === 'Pod')
  const behind = inwardRoutes.map(({ cidr }) => cidr)
  const [fromOutside, fromInside, toOutside] = [
    `iifname ${named(outside)}`,
    `iifname ${named(inside)}`,
    `oifname ${named(outside)}`,
  ]
  const rules = families.flatMap((family) => {
    const [locals, others] = [outermost(behind, family), networksBeyond(spec, outside, family)]
    if (locals.length === 0 || others.length === 0) return []
    const [source, target] = [`${header(family)} saddr`, `${header(family)} daddr`]
    return [
      `${fromInside} ${source} ${setOf(locals)} ${target} ${setOf(others)} notrack`,
      ...byMapping(pods, locals).map(
        ([mapping, within]) => `${fromOutside} ${target} ${setOf(within)} notrack${inward(mapping)}`,
      ),
    ]
  })
  const mapped = pods.filter(isMapped)
  return [
    chain('prerouting_transit', 'type filter hook prerouting priority raw', rules),
    chain(
      'postrouting_transit',
      'type filter hook postrouting priority 200',
      rules.length > 0 ? mapped.map((mapping) => `${toOutside} ct state untracked ${rewrite(mapping, 'saddr')}`) : [],
    ),
  ]
}

const named = (side: readonly LinkDevice[]): string => setOf(side.map(({ name }) => quoted(name)))
const inward = (mapping: LinkTranslation): string => (isMapped(mapping) ? ` ${rewrite(mapping, 'daddr')}` : '')

/** Networks of this cluster under the addresses by which others know them, by the mapping that says so. */
function byMapping(pods: readonly LinkTranslation[], locals: readonly string[]): [LinkTranslation, string[]][] {
  return pods.flatMap((mapping): [LinkTranslation, string[]][] => {
    const within = locals.filter((cidr) => contains(mapping.local, cidr))
    const [from, to] = [parseCidr(mapping.local), parseCidr(mapping.global)]
    const globals = within.map((cidr) => formatCidr(translate(parseCidr(cidr), from, to)))
    return within.length > 0 ? [[mapping, globals]] : []
  })
}
