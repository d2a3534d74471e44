import type { LinkTranslation, NodeConfigSpec } from '@kosmos/api'
import { canonicalNetwork, type Family, familyOf, hostMaskOf } from '../net/cidr.ts'
import type { Sides } from './sides.ts'
import { chain, families, header, outermost, quoted, setOf } from './syntax.ts'

/** How the networks of this cluster look from outside, and who is known beyond which device. */
export function translationChains(spec: NodeConfigSpec, sides: Sides): string[] {
  const { translations = [], masquerades = [] } = spec
  const pods = translations.filter(({ kind }) => kind === 'Pod')
  const services = translations.filter(({ kind }) => kind === 'Service')
  const [outside, inside] = [sides.outside, sides.inside].map((side) => setOf(side.map(({ name }) => quoted(name))))
  const hasOutside = sides.outside.length > 0
  const isMapped = ({ local, global }: LinkTranslation) => canonicalNetwork(local) !== canonicalNetwork(global)
  return [
    chain(
      'prerouting_service',
      // kube-proxy has to translate the address of the Service, and a connection is translated once: without tracking.
      'type filter hook prerouting priority raw',
      hasOutside ? services.filter(isMapped).map((mapping) => `iifname ${outside} ${rewrite(mapping, 'daddr')}`) : [],
    ),
    chain(
      'prerouting_pod',
      'type nat hook prerouting priority dstnat - 5',
      hasOutside ? prefixRules(`iifname ${outside} dnat`, 'daddr', pods.filter(isMapped).map(inverse)) : [],
    ),
    chain('postrouting', 'type nat hook postrouting priority srcnat - 5', [
      // Ahead of the CNI's and kube-proxy's masquerading: the first translation of a connection stays.
      ...(hasOutside ? prefixRules(`oifname ${outside} snat`, 'saddr', pods) : []),
      ...(sides.inside.length > 0
        ? prefixRules(
            `oifname ${inside} snat`,
            'saddr',
            pods.map(({ local, kind }) => ({ local, global: local, kind })),
          )
        : []),
      ...masquerades.map(
        ({ source, dev }) =>
          `${header(familyOf(source))} saddr ${canonicalNetwork(source)} oifname ${quoted(dev)} masquerade`,
      ),
      // The pod behind a Service may be on another node, and its answer has to come back by this one.
      ...(hasOutside ? serviceRules(services, `iifname ${outside}`) : []),
    ]),
    chain(
      'postrouting_service',
      'type filter hook postrouting priority 200',
      hasOutside ? services.filter(isMapped).map((mapping) => `oifname ${outside} ${rewrite(mapping, 'saddr')}`) : [],
    ),
  ]
}

const inverse = ({ local, global, kind }: LinkTranslation): LinkTranslation => ({ local: global, global: local, kind })

/** One rule a family, by a map from network to network of the same size. */
function prefixRules(start: string, side: 'saddr' | 'daddr', mappings: readonly LinkTranslation[]): string[] {
  return families.flatMap((family) => {
    const entries = ofFamily(mappings, family).map(
      ({ local, global }) => `${canonicalNetwork(local)} : ${canonicalNetwork(global)}`,
    )
    return entries.length > 0
      ? [`${start} ${header(family)} prefix to ${header(family)} ${side} map ${setOf(entries)}`]
      : []
  })
}

/** Packets to (or from) one network become packets to (or from) another, host bits kept. */
function rewrite({ local, global }: LinkTranslation, side: 'saddr' | 'daddr'): string {
  const [from, to] = side === 'daddr' ? [global, local] : [local, global]
  const field = `${header(familyOf(from))} ${side}`
  const network = canonicalNetwork(to).split('/')[0]
  return `${field} ${canonicalNetwork(from)} ${field} set ${field} & ${hostMaskOf(to)} | ${network}`
}

function serviceRules(services: readonly LinkTranslation[], start: string): string[] {
  return families.flatMap((family) => {
    const networks = outermost(
      services.map(({ local }) => local),
      family,
    )
    return networks.length > 0 ? [`${start} ct original ${header(family)} daddr ${setOf(networks)} masquerade`] : []
  })
}

function ofFamily(mappings: readonly LinkTranslation[], family: Family): LinkTranslation[] {
  return mappings.filter(({ local }) => familyOf(local) === family)
}
