import { type Cidr, contains, overlaps } from '@kosmos/kube/addresses'
import { oncePer } from '../../model/once-per.ts'
import { type ReadNetworks, readNetworks, type Said, type Stated, saidBy } from '../stated.ts'
import type { PlugInObject } from './objects.ts'

/**
 * What Calico's IPAM says: pods have addresses of the pools, those of a node from the blocks that are the node's. A
 * disabled pool gives out no addresses any more, and counts as long as nodes have blocks of it.
 * @param borrowed the addresses that nodes use of other nodes' blocks
 */
export function calicoSays(
  pools: readonly PlugInObject[],
  blocks: readonly PlugInObject[],
  borrowed: ReadonlyMap<string, readonly Cidr[]>,
): Said {
  const forPods = pools.filter(isForPods)
  const owned = blocks.filter(isOwned).map((block) => ({ node: block.spec?.node, ...readBlock(block) }))
  const ofBlocks = owned.flatMap(({ stated }) => stated)
  const pods = forPods.flatMap((pool) =>
    readPool(pool).stated.filter(({ cidr }) => !isDisabled(pool) || ofBlocks.some((one) => overlaps(cidr, one.cidr))),
  )
  const nodes = new Map<string, Stated[]>()
  for (const { node, stated } of owned) {
    if (typeof node === 'string') nodes.set(node, [...(nodes.get(node) ?? []), ...stated])
  }
  return saidBy('IPPools of Calico', {
    pods,
    nodes,
    borrowed: new Map(
      [...borrowed].map(([node, addresses]) => [
        node,
        addresses.filter((address) => pods.some(({ cidr }) => contains(cidr, address))),
      ]),
    ),
    invalid: [...forPods.flatMap((pool) => readPool(pool).invalid), ...owned.flatMap(({ invalid }) => invalid)],
  })
}

/** Other pools are for load balancers, or for the tunnels of nodes. */
function isForPods({ spec }: PlugInObject): boolean {
  const uses = spec?.allowedUses
  return !Array.isArray(uses) || uses.length === 0 || uses.includes('Workload')
}

const isDisabled = ({ spec }: PlugInObject): boolean => spec?.disabled === true

/** Before it is confirmed, two nodes may reach out for one block. `deleted` is a text in some versions. */
function isOwned({ spec }: PlugInObject): boolean {
  const isLeaving = spec?.deleted === true || spec?.deleted === 'true'
  return spec?.state === 'confirmed' && !isLeaving && spec.type !== 'virtual'
}

const readPool = oncePer(
  ({ metadata, spec }: PlugInObject): ReadNetworks => readNetworks(`IPPool ${metadata.name}`, spec?.cidr),
)

const readBlock = oncePer(
  ({ metadata, spec }: PlugInObject): ReadNetworks => readNetworks(`BlockAffinity ${metadata.name}`, spec?.cidr),
)
