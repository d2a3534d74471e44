import { type Cidr, contains, formatAddress, formatCidr, hostBits } from '@kosmos/kube/addresses'
import type { LinkCluster, LinkNode } from '../model/network.ts'
import { oncePer } from '../model/once-per.ts'
import { PrefixTable } from './prefix-table.ts'
import { gatewayOrder, gatewaysFor, gatewaysOf } from './roles.ts'

/** Enough that gateways have about as much to do, few enough for the NodeConfigs of gateways that know many clusters. */
export const MAX_SHARES = 32

/** A network, and the gateways for its pods, the first one first. */
export interface Share {
  readonly cidr: Cidr
  readonly gateways: readonly LinkNode[]
}

/**
 * How the gateways of a cluster share its traffic with one other cluster: by the node whose pods it is to or from. So all of
 * them are at work, both ways of a connection take the same ones, and who comes first is found by everybody himself.
 */
export class Shares {
  /** For what is in no share. */
  readonly rest: readonly LinkNode[]
  readonly #parts: Parts
  readonly #orderOf: (part: Part) => readonly LinkNode[]

  constructor(cluster: LinkCluster, other: LinkCluster) {
    this.rest = gatewaysFor(cluster, other)
    this.#parts = partsOf(cluster)
    const orders = [this.rest]
    this.#orderOf = oncePer(({ name, gateway }) => {
      const order = gateway
        ? [gateway, ...this.rest.filter((one) => one !== gateway)]
        : gatewayOrder(cluster, other, name)
      const same = orders.find((one) => one.every((node, index) => node === order[index]))
      if (same === undefined) orders.push(order)
      return same ?? order
    })
  }

  /** The gateways for all that is in a network; the same list for the same order. */
  of(cidr: Cidr): readonly LinkNode[] {
    return this.#by(this.#parts.of(cidr))
  }

  /** The gateways that a node sends by; of its networks of a family, if it has several, the first one counts. */
  ofNode(node: LinkNode, family: 4 | 6): readonly LinkNode[] {
    return this.#by(this.#parts.ofNode(node)[family])
  }

  /** A network as a whole, and the parts of it that have other gateways. */
  within(network: Cidr): Share[] {
    const found: Share[] = [{ cidr: network, gateways: this.of(network) }]
    for (const part of this.#parts.all) {
      const { cidr } = part
      if (cidr.prefix <= network.prefix || !contains(network, cidr)) continue
      const gateways = this.#orderOf(part)
      const around = found.findLast((one) => contains(one.cidr, cidr))
      if (around?.gateways !== gateways) found.push({ cidr, gateways })
    }
    return found
  }

  #by(part: Part | undefined): readonly LinkNode[] {
    return part ? this.#orderOf(part) : this.rest
  }
}

/** Both of two clusters, and all of their nodes, ask for the same. */
export const sharesOf = oncePer((cluster: LinkCluster) => oncePer((other: LinkCluster) => new Shares(cluster, other)))

/** Nodes of a cluster with the same text send by the same gateways, to whichever other cluster. */
export const senderGroup = (cluster: LinkCluster, node: LinkNode): string => partsOf(cluster).groupOf(node)

/**
 * Pods that have the order of their gateways in common: those of a block of nodes, of a gateway, which is their first, or
 * of a further network of a node, since the node sends for all of its pods by the same gateways.
 */
interface Part {
  readonly cidr: Cidr
  /** Without the length: when blocks are joined, half of them keep their order. */
  readonly name: string
  readonly gateway?: LinkNode
}

/** Into which parts the pods of a cluster fall: the same for every other cluster. */
class Parts {
  /** The wider ones first. */
  readonly all: readonly Part[]
  readonly ofNode = oncePer(({ podCIDRs }: LinkNode) => {
    const partOf = (family: 4 | 6) => {
      const cidr = podCIDRs.find((one) => one.family === family)
      return cidr && this.of(cidr)
    }
    return { 4: partOf(4), 6: partOf(6) }
  })
  readonly #table = new PrefixTable<Part>()
  readonly #numbers: ReadonlyMap<Part | undefined, number>

  constructor(parts: readonly Part[]) {
    const distinct = new Map(parts.map((part) => [formatCidr(part.cidr), part]))
    this.all = [...distinct.values()].sort((a, b) => a.cidr.prefix - b.cidr.prefix)
    for (const part of this.all) this.#table.add(part.cidr, part)
    this.#numbers = new Map(this.all.map((part, index) => [part, index]))
  }

  groupOf(node: LinkNode): string {
    const own = this.ofNode(node)
    return `${this.#numbers.get(own[4])} ${this.#numbers.get(own[6])}`
  }

  of(cidr: Cidr): Part | undefined {
    for (const [part] of this.#table.matches(cidr)) if (part && part.cidr.prefix <= cidr.prefix) return part
    return undefined
  }
}

const partsOf = oncePer((cluster: LinkCluster): Parts => {
  const gateways = gatewaysOf(cluster)
  if (cluster.networkType !== 'gateway' || gateways.length < 2) return new Parts([])
  const own = gateways.flatMap((gateway) => gateway.podCIDRs.map((cidr) => partOf(cidr, gateway)))
  const ofFamily = (family: 4 | 6) =>
    partsOfFamily(
      cluster,
      family,
      own.filter(({ cidr }) => cidr.family === family),
    )
  return new Parts([...ofFamily(4), ...ofFamily(6)])
})

const partOf = (cidr: Cidr, gateway?: LinkNode): Part => ({
  cidr,
  name: formatAddress(cidr.family, cidr.base),
  ...(gateway && { gateway }),
})

/**
 * Networks of equal size in which the first ones of the nodes are, as small as they can be without being too many
 * themselves, or too many further networks being in others than that of their node: the larger they are, the fewer are.
 * Where no size will do, as with pools of which each node has a part, all send by one order.
 */
function partsOfFamily(cluster: LinkCluster, family: 4 | 6, own: readonly Part[]): Part[] {
  const withFurther = (blocks: readonly Cidr[]) => {
    const parts = [...blocks.map((cidr) => partOf(cidr)), ...own]
    return { parts, further: furtherParts(cluster, family, new Parts(parts)) }
  }
  const fewerNever = (cidr: Cidr) => own.some((part) => contains(part.cidr, cidr))
  for (let blocks = firstsOf(cluster, family); blocks.length > 0; blocks = blocks.length > 1 ? halved(blocks) : []) {
    if (blocks.length > MAX_SHARES) continue
    const { parts, further } = withFurther(blocks)
    if (further.filter(({ cidr }) => !fewerNever(cidr)).length <= MAX_SHARES) return [...parts, ...further]
  }
  const { parts, further } = withFurther([])
  return [...parts, ...further]
}

/** Networks of nodes that are where others have another order, with that of their node. */
function furtherParts({ nodes }: LinkCluster, family: 4 | 6, parts: Parts): Part[] {
  return [...nodes.values()]
    .filter(({ isGateway }) => !isGateway)
    .flatMap((node) => {
      const ofNode = parts.ofNode(node)[family]
      return node.podCIDRs
        .filter((cidr) => cidr.family === family && parts.of(cidr) !== ofNode)
        .map((cidr) => ({ name: '', ...ofNode, cidr }))
    })
}

/** What the first networks of nodes are in, by the shortest prefix that one of them has. */
function firstsOf({ nodes }: LinkCluster, family: 4 | 6): Cidr[] {
  const first = [...nodes.values()].flatMap(({ podCIDRs }) => podCIDRs.find((cidr) => cidr.family === family) ?? [])
  const prefix = Math.min(...first.map((cidr) => cidr.prefix))
  return distinct(first.map((cidr) => ({ ...cidr, prefix })))
}

const halved = (blocks: readonly Cidr[]) => distinct(blocks.map((one) => ({ ...one, prefix: one.prefix - 1 })))

function distinct(cidrs: readonly Cidr[]): Cidr[] {
  const byBase = new Map<bigint, Cidr>()
  for (const cidr of cidrs) {
    const bits = BigInt(hostBits(cidr))
    const base = (cidr.base >> bits) << bits
    byBase.set(base, { ...cidr, base })
  }
  return [...byBase.values()]
}
