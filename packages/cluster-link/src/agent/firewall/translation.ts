import type { LinkTranslation, NodeConfigSpec } from '@kosmos/api'
import { canonicalNetwork, type Family, familyOf } from '../net/cidr.ts'
import { handingOnMasquerades } from './handing-on.ts'
import { isMapped, rewrite } from './rewrite.ts'
import type { Sides } from './sides.ts'
import { chain, families, header, outermost, quoted, setOf } from './syntax.ts'

/** How the networks of this cluster look from outside, and who is known beyond which device. */
export function translationChains(spec: NodeConfigSpec, sides: Sides): string[] {
  const { translations = [], nodeTranslations = [], masquerades = [] } = spec
  const pods = translations.filter(({ kind }) => kind === 'Pod')
  const services = translations.filter(({ kind }) => kind === 'Service')
  const both = [...sides.outside, ...sides.inside]
  const [outside, inside, ours] = [sides.outside, sides.inside, both].map((side) =>
    setOf(side.map(({ name }) => quoted(name))),
  )
  const [hasOutside, hasInside] = [sides.outside.length > 0, sides.inside.length > 0]
  return [
    chain(
      'prerouting_service',
      // kube-proxy has to translate the address of the Service, and a connection is translated once: without tracking.
      'type filter hook prerouting priority raw',
      hasOutside ? services.filter(isMapped).map((mapping) => `iifname ${outside} ${rewrite(mapping, 'daddr')}`) : [],
    ),
    chain('prerouting_pod', 'type nat hook prerouting priority dstnat - 5', [
      ...(hasOutside ? prefixRules(`iifname ${outside} dnat`, 'daddr', pods.filter(isMapped).map(inverse)) : []),
      ...(hasInside ? prefixRules(`iifname ${inside} dnat`, 'daddr', nodeTranslations.map(inverse)) : []),
    ]),
    chain('postrouting', 'type nat hook postrouting priority srcnat - 5', [
      // Ahead of the CNI's and kube-proxy's masquerading: the first translation of a connection stays.
      ...(hasOutside ? prefixRules(`oifname ${outside} snat`, 'saddr', pods) : []),
      ...(hasInside
        ? [
            ...prefixRules(`oifname ${inside} snat`, 'saddr', nodeTranslations),
            ...prefixRules(
              `oifname ${inside} snat`,
              'saddr',
              pods.map(({ local, kind }) => ({ local, global: local, kind })),
            ),
          ]
        : []),
      ...handingOnMasquerades(spec, sides),
      ...masquerades.map(
        ({ source, dev }) =>
          `${header(familyOf(source))} saddr ${canonicalNetwork(source)} oifname ${quoted(dev)} masquerade`,
      ),
      // The pod behind a Service may be on another node, and its answer has to come back by this one.
      ...(hasOutside ? serviceRules(services, `iifname ${outside}`) : []),
      // Pods see who calls, and the node that has the pod knows the way back: some masquerade what is from no pod of theirs.
      ...families.map(keepSource(`iifname ${ours}`)),
    ]),
    chain(
      'postrouting_service',
      'type filter hook postrouting priority 200',
      hasOutside ? services.filter(isMapped).map((mapping) => `oifname ${outside} ${rewrite(mapping, 'saddr')}`) : [],
    ),
  ]
}

/** A translation to what the source is already, so that nobody else makes one. */
const keepSource = (start: string) => (family: Family) => `${start} snat ${header(family)} to ${header(family)} saddr`

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
