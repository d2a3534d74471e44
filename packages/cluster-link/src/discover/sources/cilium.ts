import { oncePer } from '../../model/once-per.ts'
import { type ReadNetworks, readNetworks, type Said, saidBy } from '../stated.ts'
import { fieldsOf } from './fields.ts'
import type { PlugInObject } from './objects.ts'

/** What Cilium's IPAM gave to each node: from one pool of the cluster, or from several. */
export function ciliumSays(ciliumNodes: readonly PlugInObject[]): Said {
  const read = ciliumNodes.map((node) => ({ name: node.metadata.name, ...readNode(node) }))
  const withNetworks = read.filter(({ stated }) => stated.length > 0)
  return saidBy('CiliumNodes', {
    pods: read.flatMap(({ stated }) => stated),
    nodes: new Map(withNetworks.map(({ name, stated }) => [name, stated])),
    invalid: read.flatMap(({ invalid }) => invalid),
  })
}

const readNode = oncePer(({ metadata, spec }: PlugInObject): ReadNetworks => {
  const ipam = fieldsOf(spec?.ipam)
  const allocated = fieldsOf(ipam.pools).allocated
  const ofPools = Array.isArray(allocated) ? allocated.flatMap((pool) => fieldsOf(pool).cidrs ?? []) : []
  const own = Array.isArray(ipam.podCIDRs) ? ipam.podCIDRs : [ipam.podCIDRs]
  return readNetworks(`CiliumNode ${metadata.name}`, [...own, ...ofPools])
})
