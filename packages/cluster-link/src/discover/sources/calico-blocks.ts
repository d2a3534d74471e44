import { type Cidr, hostBits } from '@kosmos/kube/addresses'
import { oncePer } from '../../model/once-per.ts'
import { readNetworks } from '../stated.ts'
import { fieldsOf } from './fields.ts'
import type { PlugInObject } from './objects.ts'

/** Where the n-th address of a block is in use, by n. */
type Users = readonly (readonly [n: number, node: string])[]

/**
 * What of a block is of interest: which of its addresses nodes use whose block it is not. Pods that come and go with
 * addresses of their own node change nothing of it.
 */
export function slimIPAMBlock({ metadata, spec }: PlugInObject): PlugInObject {
  return { metadata, spec: { cidr: spec?.cidr, borrowed: borrowedOf(fieldsOf(spec)) } }
}

/**
 * The addresses that each node has borrowed. A node does it when it gets no further block; its own routes to such an
 * address are for the one address (Calico's Felix takes them from here as well).
 */
export function borrowedFrom(ipamBlocks: readonly PlugInObject[]): ReadonlyMap<string, readonly Cidr[]> {
  const nodes = new Map<string, Cidr[]>()
  for (const block of ipamBlocks) {
    for (const { node, address } of readBlock(block)) {
      const known = nodes.get(node)
      if (known) known.push(address)
      else nodes.set(node, [address])
    }
  }
  return nodes
}

/** `allocations` has, for each address in use, the index of who uses it in `attributes`. */
function borrowedOf({ affinity, allocations, attributes, deleted }: ReturnType<typeof fieldsOf>): Users {
  // Blocks of load balancers are virtual ones.
  if (deleted === true || !Array.isArray(allocations) || !Array.isArray(attributes)) return []
  if (typeof affinity === 'string' && affinity.startsWith('virtual:')) return []
  const nodes = attributes.map((one) => fieldsOf(fieldsOf(one).secondary).node)
  return allocations.flatMap((index, n) => {
    const node = typeof index === 'number' ? nodes[index] : undefined
    return typeof node === 'string' && node !== '' && affinity !== `host:${node}` ? [[n, node] as const] : []
  })
}

const readBlock = oncePer(({ metadata, spec }: PlugInObject) => {
  const [network] = readNetworks(`IPAMBlock ${metadata.name}`, spec?.cidr).stated
  const users = (spec?.borrowed ?? []) as Users
  if (network === undefined) return []
  const { cidr } = network
  const size = 2 ** hostBits(cidr)
  const addressOf = (n: number): Cidr => ({
    ...cidr,
    base: cidr.base + BigInt(n),
    prefix: cidr.family === 4 ? 32 : 128,
  })
  return users.filter(([n]) => n < size).map(([n, node]) => ({ node, address: addressOf(n) }))
})
