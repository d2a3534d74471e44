import type { ClusterLinkOptions } from '@kosmos/api'
import { type Cidr, contains, parseCidr, translate } from '@kosmos/kube/addresses'
import type { SeenNetwork } from '../model/network.ts'

/** The networks of a cluster as they were found out. */
export interface FoundNetworks {
  readonly podCIDRs: readonly string[]
  readonly serviceCIDRs: readonly string[]
}

/** What was said by hand counts, else what nodes and ServiceCIDR objects say. Sorted, each once. */
export function foundNetworks(
  options: Pick<ClusterLinkOptions, 'podCIDRs' | 'serviceCIDRs'>,
  nodes: Iterable<{ readonly podCIDRs?: readonly string[] }>,
  services: Iterable<{ readonly spec: { readonly cidrs: readonly string[] } }>,
): FoundNetworks {
  const ofNodes = [...nodes].flatMap(({ podCIDRs = [] }) => podCIDRs)
  const ofServices = [...services].flatMap(({ spec }) => spec.cidrs)
  const distinct = (cidrs: readonly string[]) => [...new Set(cidrs)].sort()
  return {
    podCIDRs: distinct(options.podCIDRs ?? ofNodes),
    serviceCIDRs: distinct(options.serviceCIDRs ?? ofServices),
  }
}

/** Networks with the addresses by which other clusters know them. A mapping may be of a wider network than what it maps. */
export function seenNetworks(
  { podCIDRs, serviceCIDRs }: FoundNetworks,
  globalCIDRsMap: ClusterLinkOptions['globalCIDRsMap'] = {},
): SeenNetwork[] {
  const mappings = Object.entries(globalCIDRsMap).map(([from, to]): [Cidr, Cidr] => [parseCidr(from), parseCidr(to)])
  const seen = (kind: SeenNetwork['kind'], text: string): SeenNetwork => {
    const local = parseCidr(text)
    const mapping = mappings.find(([from]) => contains(from, local))
    return { kind, local, global: mapping ? translate(local, ...mapping) : local }
  }
  return [...podCIDRs.map((cidr) => seen('Pod', cidr)), ...serviceCIDRs.map((cidr) => seen('Service', cidr))]
}
