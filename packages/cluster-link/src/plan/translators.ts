import type { NodeConfigSpec, NodeConfigStatus } from '@kosmos/api'
import { type Cidr, contains, formatCidr, parseCidr, translate } from '@kosmos/kube/addresses'
import { isLocal } from '../model/detours.ts'
import type { LinkCluster } from '../model/network.ts'
import { borrowedFrom } from './borrowed.ts'
import { seenAs } from './visible.ts'

/** What a node was told last, and what its agent says. */
export interface Told {
  readonly spec: NodeConfigSpec
  readonly status?: NodeConfigStatus | undefined
}

/**
 * The networks of pods that gateways go on translating, so that no upgrade loses a packet (ADR 53): all while an agent of
 * the cluster is of a version that does not know better, and those that gateways translate already, since connections
 * that the node knows untranslated would end.
 * @param told the NodeConfig of a node; undefined if it has none yet
 */
export function translatedByGateways(
  cluster: LinkCluster,
  told: (node: string) => Told | undefined,
): ReadonlySet<string> {
  if (cluster.networkType !== 'gateway') return new Set()
  const all = [...cluster.nodes.keys()].flatMap((name) => told(name) ?? [])
  const isLeftToNodes = all.every(canLeaveIt)
  return new Set(
    [...cluster.nodes.values()].flatMap(({ podCIDRs }) =>
      podCIDRs.flatMap((local) => {
        const global = seenAs(local, cluster.networks)
        if (global === undefined || global.base === local.base) return []
        const borrowed = borrowedFrom(cluster, local)
        const staysAsItIs = all.some(({ spec }) => isTranslatedBy(spec, { local, global, borrowed }))
        return !isLeftToNodes || staysAsItIs ? [formatCidr(local)] : []
      }),
    ),
  )
}

/** An agent that has said nothing yet is as new as this: who starts with a version starts with all of it. */
const canLeaveIt = ({ status }: Told): boolean =>
  status?.conditions === undefined || status.abilities?.includes('NodeTranslations') === true

interface Network {
  readonly local: Cidr
  readonly global: Cidr
  readonly borrowed: readonly Cidr[]
}

/** Whether a node was told to carry packets to a network of pods, and not to leave their addresses as they come. */
function isTranslatedBy(spec: NodeConfigSpec, network: Network): boolean {
  const { routes = [], translations = [] } = spec
  const { local, global } = network
  const part = partCarried(spec, network)
  if (part === undefined) return false
  const seen = formatCidr(translate(part, local, global))
  if (routes.some(({ cidr, dev }) => cidr === seen && isLocal(dev))) return false
  return translations.some(
    (mapping) =>
      mapping.kind === 'Pod' &&
      contains(parseCidr(mapping.local), local) &&
      contains(parseCidr(mapping.global), global),
  )
}

/** A gateway that has borrowed of the network carries the rest of it in parts. */
function partCarried({ inwardRoutes = [] }: NodeConfigSpec, { local, borrowed }: Network): Cidr | undefined {
  const whole = formatCidr(local)
  if (inwardRoutes.some(({ cidr }) => cidr === whole)) return local
  if (borrowed.length === 0) return undefined
  const isPart = (cidr: Cidr) => contains(local, cidr) && !borrowed.some((one) => contains(one, cidr))
  return inwardRoutes.map(({ cidr }) => parseCidr(cidr)).find(isPart)
}
