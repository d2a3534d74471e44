import type { Node } from '@kosmos/kube'
import { oncePer } from '../../model/once-per.ts'
import { type ReadNetworks, readNetworks, type Said, saidBy } from '../stated.ts'
import type { ServiceCIDR } from './objects.ts'

/** What the kube-controller-manager, or a cloud, gave to each node. */
export function nodesSay(nodes: readonly Node[]): Said {
  const read = nodes.map((node) => ({ name: node.metadata.name, ...readNode(node) }))
  const withNetworks = read.filter(({ stated }) => stated.length > 0)
  return saidBy('spec.podCIDRs of nodes', {
    pods: read.flatMap(({ stated }) => stated),
    nodes: new Map(withNetworks.map(({ name, stated }) => [name, stated])),
    invalid: read.flatMap(({ invalid }) => invalid),
  })
}

const readNode = oncePer(
  ({ metadata, spec }: Node): ReadNetworks => readNetworks(`node ${metadata.name}`, spec?.podCIDRs ?? spec?.podCIDR),
)

/** From which networks Services get their addresses. */
export function serviceCIDRsSay(serviceCIDRs: readonly ServiceCIDR[]): Said {
  const read = serviceCIDRs.map(({ metadata, spec }) => readNetworks(`ServiceCIDR ${metadata.name}`, spec.cidrs))
  return saidBy('ServiceCIDR objects', {
    services: read.flatMap(({ stated }) => stated),
    invalid: read.flatMap(({ invalid }) => invalid),
  })
}
