import { type ClusterConditionReason, type ClusterLinkOptions, clusterCondition, type NewCondition } from '@kosmos/api'
import type { Discovery } from '../../discover/networks.ts'
import type { Forbidden } from '../members/network-sources.ts'
import { listed } from './listed.ts'

export interface NetworksFoundFacts {
  readonly options: Pick<ClusterLinkOptions, 'networkType' | 'ipFamily'>
  readonly observedGeneration: number
  readonly discovery: Discovery
  readonly forbidden: Forbidden
}

/** The condition NetworksFound of a Cluster: what is wrong first, else what was found and where. */
export function networksFoundCondition(facts: NetworksFoundFacts): NewCondition {
  const { observedGeneration } = facts
  const [reason, detail] = verdictOf(facts)
  return clusterCondition('NetworksFound', reason, { observedGeneration, ...(detail !== '' && { detail }) })
}

type Verdict = readonly [reason: ClusterConditionReason<'NetworksFound'>, detail: string]

function verdictOf({ options, discovery, forbidden: { kinds, configMaps } }: NetworksFoundFacts): Verdict {
  const { invalid, contradictions, leftOut, podCIDRs, serviceCIDRs, ofNodes } = discovery
  const missing = [...(podCIDRs.length === 0 ? ['pods'] : []), ...(serviceCIDRs.length === 0 ? ['Services'] : [])]
  // Where others have told what there is to know, settings need not be read.
  const needed = [...kinds, ...(missing.length > 0 ? configMaps : [])]
  if (needed.length > 0) return ['RightsMissing', listed(needed)]
  if (invalid.length > 0) return ['NetworksInvalid', listed(invalid)]
  if (contradictions.length > 0) return ['Contradicting', listed(contradictions)]
  if (missing.length > 0) return ['NothingFound', listed(missing)]
  if (options.networkType === 'p2p') {
    if (ofNodes.size === 0) return ['NodesUnknown', '']
    const unknown = unknownFamilies(discovery, options.ipFamily)
    if (unknown.length > 0) return ['NodesUnknown', listed(unknown)]
  }
  if (leftOut.length > 0) return ['NetworksLeftOut', listed(leftOut)]
  const unread = configMaps.length > 0 ? `; not readable: ${listed(configMaps)}` : ''
  return ['NetworksFound', `${sourcesOf(discovery)}${unread}`]
}

/** Families of pods in which no node has a network. */
function unknownFamilies({ podCIDRs, ofNodes }: Discovery, ipFamily: ClusterLinkOptions['ipFamily']): string[] {
  const familiesOf = (cidrs: Iterable<string>) => new Set([...cidrs].map((cidr): 4 | 6 => (cidr.includes(':') ? 6 : 4)))
  const wanted = ({ all: [4, 6], ipv4: [4], ipv6: [6] } as const)[ipFamily]
  const unknown = familiesOf(podCIDRs).difference(familiesOf([...ofNodes.values()].flat()))
  return wanted.flatMap((family) => (unknown.has(family) ? [`IPv${family}`] : []))
}

function sourcesOf({ podCIDRs, podsFrom, serviceCIDRs, servicesFrom }: Discovery): string {
  return `pods ${listed(podCIDRs)} (${podsFrom}), Services ${listed(serviceCIDRs)} (${servicesFrom})`
}
