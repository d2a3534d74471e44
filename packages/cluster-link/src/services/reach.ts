import type { NodeConfig } from '@kosmos/api'
import { parseCidr } from '@kosmos/kube/addresses'
import { devices } from '../model/names.ts'
import { PrefixTable } from '../plan/prefix-table.ts'

/** Which addresses of other clusters a cluster reaches now, by what its agents hear through the tunnels. */
export interface Reach {
  /** The networks that are not reached; the same text means the same reach. */
  readonly lost: string
  /** True as well for what no tunnel leads to. */
  readonly reaches: (address: string) => boolean
}

/** Ways between nodes of one cluster say nothing of the other one. */
const inner: readonly string[] = [devices.local.name, devices.local6.name]

/**
 * A network is lost when no node with a tunnel towards it has a next hop that answers. Who has not been asked enough counts
 * as answering, and so does a next hop that its agent says nothing of.
 */
export function reachOf(configs: Iterable<Pick<NodeConfig, 'spec' | 'status'>>): Reach {
  const answers = new Map<string, boolean>()
  for (const { spec, status } of configs) {
    const silent = new Set(
      (status?.nextHops ?? []).flatMap(({ address, reachable, lastProbeTime }) =>
        !reachable && lastProbeTime !== undefined ? [address] : [],
      ),
    )
    for (const { cidr, gw, dev } of spec.routes ?? []) {
      if (gw === undefined || inner.includes(dev)) continue
      answers.set(cidr, answers.get(cidr) === true || !silent.has(gw))
    }
  }
  const table = new PrefixTable<boolean>()
  for (const [cidr, isAnswered] of answers) table.add(parseCidr(cidr), isAnswered)
  const lost = [...answers].flatMap(([cidr, isAnswered]) => (isAnswered ? [] : [cidr])).sort()
  return {
    lost: lost.join(' '),
    reaches: (address) => {
      if (lost.length === 0) return true
      const [smallest] = table.matches(parseCidr(address))
      return smallest === undefined || smallest.some((isAnswered) => isAnswered)
    },
  }
}
