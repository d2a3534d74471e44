import type { Pod } from '@kosmos/kube'
import { type Cidr, contains, formatAddress, parseCidr, translate } from '@kosmos/kube/addresses'

type Mapping = readonly [local: Cidr, global: Cidr]

/**
 * A leaf pod with the addresses by which pods of other clusters reach it: those of ClusterLink's GlobalIP where the leaf's
 * networks are somebody else's as well. The root shows these, and whatever is made of its pods points to them.
 * @param globalCIDRs local → global, of the same size
 */
export function withGlobalAddresses(pod: Pod, globalCIDRs: Readonly<Record<string, string>>): Pod {
  const mappings = Object.entries(globalCIDRs).map(([from, to]): Mapping => [parseCidr(from), parseCidr(to)])
  const { podIP, podIPs } = pod.status ?? {}
  // On the network of its node it has the node's address, which nobody maps.
  if (mappings.length === 0 || podIP === undefined || pod.spec.hostNetwork) return pod
  const status = {
    ...pod.status,
    podIP: globalOf(podIP, mappings),
    ...(podIPs && { podIPs: podIPs.map(({ ip }) => ({ ip: globalOf(ip, mappings) })) }),
  }
  return { ...pod, status } as Pod
}

function globalOf(address: string, mappings: readonly Mapping[]): string {
  const one = parseCidr(address)
  const mapping = mappings.find(([local]) => contains(local, one))
  return mapping ? formatAddress(one.family, translate(one, ...mapping).base) : address
}
