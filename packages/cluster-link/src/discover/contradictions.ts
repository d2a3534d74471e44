import { type Cidr, contains, formatCidr, overlaps } from '@kosmos/kube/addresses'
import { byAddress } from './aggregate.ts'
import type { Said, Stated } from './stated.ts'

/** What the sources of a cluster say, and what of it counts. */
export interface Statements {
  readonly byHand: Said
  /** Networks that others are to know by other addresses. */
  readonly mapped: readonly Stated[]
  readonly plugIns: readonly Said[]
  /** Whose word counts about single nodes. */
  readonly perNode: Said
  readonly pods: readonly Stated[]
  readonly services: readonly Stated[]
}

/** What does not fit together: a sentence for each, with the two culprits. */
export function contradictionsIn({ byHand, mapped, plugIns, perNode, pods, services }: Statements): string[] {
  const ofNodes = [...perNode.nodes.values()].flat()
  return [
    ...strangersTo(byHand, plugIns),
    ...strangersAmong(plugIns),
    // A plug-in with pools of its own does not care for what nodes were given.
    ...(plugIns.includes(perNode) && byHand.pods.length === 0 ? outside(ofNodes, pods) : []),
    ...sharedByNodes(ofNodes),
    ...firstOverlap(pods, services),
    ...partsOf([...pods, ...services], mapped),
  ]
}

/** A part of the pods may be linked; what was said by hand and is nobody's network is a mistake. */
function strangersTo(byHand: Said, plugIns: readonly Said[]): string[] {
  const plugIn = plugIns.find(({ pods }) => pods.length > 0)
  return plugIn ? unlike(byHand.pods, plugIn.pods) : []
}

/** Two network plug-ins: one of them may have left its objects behind. */
function strangersAmong(plugIns: readonly Said[]): string[] {
  const [first, ...others] = plugIns.filter(({ pods }) => pods.length > 0)
  return first ? others.flatMap((other) => unlike(first.pods, other.pods)) : []
}

/** The first of each, in families of which both have networks and none in common. */
function unlike(some: readonly Stated[], others: readonly Stated[]): string[] {
  return ([4, 6] as const).flatMap((family) => {
    const [a, b] = [some, others].map((stated) => stated.filter(({ cidr }) => cidr.family === family))
    const [first, second] = [a?.[0], b?.[0]]
    if (!a || !b || !first || !second) return []
    return a.some((one) => b.some((other) => overlaps(one.cidr, other.cidr))) ? [] : [both(first, second)]
  })
}

/** Networks of nodes that are in none of the cluster's, with one that they might have been in. */
function outside(ofNodes: readonly Stated[], pods: readonly Stated[]): string[] {
  const [first] = pods
  if (!first) return []
  // Most are the same ones, and thousands of nodes have thousands of them.
  const known = new Set(pods.map(({ cidr }) => key(cidr)))
  return ofNodes
    .filter(({ cidr }) => !known.has(key(cidr)) && !pods.some((network) => contains(network.cidr, cidr)))
    .map((stated) => both(stated, pods.find(({ cidr }) => cidr.family === stated.cidr.family) ?? first))
}

/** In the order of addresses, who overlaps somebody overlaps the widest before it. */
function sharedByNodes(ofNodes: readonly Stated[]): string[] {
  const found: string[] = []
  let widest: Stated | undefined
  for (const stated of [...ofNodes].sort((a, b) => byAddress(a.cidr, b.cidr))) {
    if (widest && overlaps(widest.cidr, stated.cidr)) {
      if (widest.by !== stated.by) found.push(both(widest, stated))
    } else widest = stated
  }
  return found
}

function firstOverlap(pods: readonly Stated[], services: readonly Stated[]): string[] {
  for (const service of services) {
    const pod = pods.find(({ cidr }) => overlaps(cidr, service.cidr))
    if (pod) return [both(pod, service)]
  }
  return []
}

/** What is mapped and is less than a network maps nothing: networks are mapped as a whole. */
function partsOf(networks: readonly Stated[], mapped: readonly Stated[]): string[] {
  return mapped.flatMap((part) => {
    const whole = networks.find(({ cidr }) => contains(cidr, part.cidr) && cidr.prefix < part.cidr.prefix)
    const isOfUse = networks.some(({ cidr }) => contains(part.cidr, cidr))
    return whole && !isOfUse ? [both(part, whole)] : []
  })
}

const both = (a: Stated, b: Stated): string => `${said(a)} and ${said(b)}`
const said = ({ cidr, by }: Stated): string => `${formatCidr(cidr)} of ${by}`

const key = ({ family, base, prefix }: Cidr): string => `${family} ${base}/${prefix}`
