import type { NodeConfigSpec } from '@kosmos/api'
import type { LinkNetwork } from '../../model/network.ts'
import { Forwarding, type Trip } from '../forward.ts'
import { pairsOf } from '../pairs.ts'
import { planNode } from '../plan-node.ts'

/** Forwards packets over the plan of a network as kernels would. */
export class Simulation {
  readonly #specs = new Map<string, NodeConfigSpec>()
  readonly #down: ReadonlySet<string>
  readonly #forwarding: Forwarding

  constructor(network: LinkNetwork, down: Iterable<string> = []) {
    this.#down = new Set(down)
    for (const cluster of network.values()) {
      const pairs = pairsOf(network, cluster)
      for (const node of cluster.nodes.values()) {
        this.#specs.set(`${cluster.name}/${node.name}`, planNode(cluster, node, pairs))
      }
    }
    this.#forwarding = new Forwarding({
      network,
      specOf: (place) => this.#specs.get(place),
      isSilent: (_, { to }) => this.#down.has(to ?? ''),
    })
  }

  spec(place: string): NodeConfigSpec {
    const spec = this.#specs.get(place)
    if (spec === undefined) throw new Error(`there is no node ${place}`)
    return spec
  }

  /** From a pod on a node to an address. */
  send(place: string, source: string, target: string): Trip {
    const trip = this.#forwarding.send(place, source, target)
    const dead = trip.path.slice(1).find((passed) => this.#down.has(passed))
    if (dead === undefined) return trip
    const { arrivedAt: _, ...lost } = trip
    return { ...lost, lost: `${dead} is down` }
  }
}
