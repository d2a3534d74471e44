import { type ClusterConditionReason, type ClusterLinkOptions, clusterCondition, type NewCondition } from '@kosmos/api'
import type { Discovery } from '../discover/networks.ts'
import { listed } from './listed.ts'
import type { Forbidden } from './network-sources.ts'

export interface NetworksFoundFacts {
  readonly options: Pick<ClusterLinkOptions, 'networkType'>
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
  const { invalid, contradictions, podCIDRs, serviceCIDRs, ofNodes } = discovery
  const missing = [...(podCIDRs.length === 0 ? ['pods'] : []), ...(serviceCIDRs.length === 0 ? ['Services'] : [])]
  // Where others have told what there is to know, settings need not be read.
  const needed = [...kinds, ...(missing.length > 0 ? configMaps : [])]
  if (needed.length > 0) return ['RightsMissing', listed(needed)]
  if (invalid.length > 0) return ['NetworksInvalid', listed(invalid)]
  if (contradictions.length > 0) return ['Contradicting', listed(contradictions)]
  if (missing.length > 0) return ['NothingFound', listed(missing)]
  if (options.networkType === 'p2p' && ofNodes.size === 0) return ['NodesUnknown', '']
  const unread = configMaps.length > 0 ? `; not readable: ${listed(configMaps)}` : ''
  return ['NetworksFound', `${sourcesOf(discovery)}${unread}`]
}

function sourcesOf({ podCIDRs, podsFrom, serviceCIDRs, servicesFrom }: Discovery): string {
  return `pods ${listed(podCIDRs)} (${podsFrom}), Services ${listed(serviceCIDRs)} (${servicesFrom})`
}
