import type { LinkDevice, LinkTranslation, NodeConfigSpec } from '@kosmos/api'
import { formatCidr, parseCidr, translate } from '@kosmos/kube/addresses'
import { canonicalNetwork, contains } from '../net/cidr.ts'
import { errorSourceRules, errorsOfNodes } from './errors.ts'
import { isMapped, rewrite } from './rewrite.ts'
import { networksBeyond, type Sides } from './sides.ts'
import { chain, families, header, outermost, quoted, setOf } from './syntax.ts'

/**
 * What a gateway only passes on between pods of other nodes and other clusters is not tracked: a packet may be the first
 * that this gateway sees of a connection, when another one has gone or comes back. The nodes of the pods track and translate;
 * where no route leads to them under the addresses that others know, the gateway does it, packet by packet (ADR 53).
 */
export function transitChains(spec: NodeConfigSpec, sides: Sides): string[] {
  const { outside, inside } = sides
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
    const globals = outermost(seenFromOutside(pods, locals), family)
    const known = outermost([...locals, ...globals], family)
    return [
      `${fromInside} ${source} ${setOf(known)} ${target} ${setOf(others)} notrack`,
      ...errorsOfNodes(spec, family).map((error) => `${fromInside} ${target} ${setOf(others)} ${error} notrack`),
      ...(globals.length > 0 ? [`${fromOutside} ${target} ${setOf(globals)} notrack`] : []),
      ...byGateway(spec, inside, pods, locals).map(
        ([mapping, networks]) => `${fromOutside} ${target} ${setOf(networks)} ${rewrite(mapping, 'daddr')}`,
      ),
    ]
  })
  // Of pods that are not where their addresses are from, as network plug-ins may have them.
  const untranslated = rules.length > 0 ? pods.filter(isMapped) : []
  return [
    chain('prerouting_transit', 'type filter hook prerouting priority raw', rules),
    chain('postrouting_transit', 'type filter hook postrouting priority 200', [
      ...untranslated.map((mapping) => `${toOutside} ct state untracked ${rewrite(mapping, 'saddr')}`),
      ...errorSourceRules(spec, sides),
    ]),
  ]
}

const named = (side: readonly LinkDevice[]): string => setOf(side.map(({ name }) => quoted(name)))

/** Networks of pods whose nodes do not translate, as others know them, by the mapping that says so. */
function byGateway(
  { routes = [] }: NodeConfigSpec,
  inside: Sides['inside'],
  pods: readonly LinkTranslation[],
  locals: readonly string[],
): [LinkTranslation, string[]][] {
  const within = new Set(inside.map(({ name }) => name))
  const passedOn = new Set(routes.filter(({ dev }) => within.has(dev)).map(({ cidr }) => canonicalNetwork(cidr)))
  return pods.filter(isMapped).flatMap((mapping): [LinkTranslation, string[]][] => {
    const networks = seenFromOutside([mapping], locals).filter((cidr) => !passedOn.has(canonicalNetwork(cidr)))
    return networks.length > 0 ? [[mapping, networks]] : []
  })
}

/** Networks of this cluster under the addresses by which others know them. */
function seenFromOutside(pods: readonly LinkTranslation[], locals: readonly string[]): string[] {
  return pods.flatMap(({ local, global }) =>
    locals
      .filter((cidr) => contains(local, cidr))
      .map((cidr) => formatCidr(translate(parseCidr(cidr), parseCidr(local), parseCidr(global)))),
  )
}
