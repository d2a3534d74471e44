import type { NodeConfigSpec } from '@kosmos/api'
import type { LinkNetwork } from '../../model/network.ts'
import { Forwarding, type Trip } from '../forward.ts'
import { pairsOf } from '../pairs.ts'
import { planNode } from '../plan-node.ts'

/** Forwards packets over the plan of a network as kernels would. */
export class Simulation {
  readonly #specs = new Map<string, NodeConfigSpec>()
  readonly #down: ReadonlySet<string>
  readonly #isCut: (from: string, to: string) => boolean
  readonly #forwarding: Forwarding

  /**
   * @param tamper what somebody made of the NodeConfig of his node, against the plan
   * @param isCut whether nothing passes between two nodes
   * @param isDeaf whether packets pass between two nodes, but no questions of agents
   */
  constructor(
    network: LinkNetwork,
    down: Iterable<string> = [],
    tamper: (place: string, spec: NodeConfigSpec) => NodeConfigSpec = (_, spec) => spec,
    isCut: (from: string, to: string) => boolean = () => false,
    isDeaf: (from: string, to: string) => boolean = () => false,
  ) {
    this.#down = new Set(down)
    this.#isCut = isCut
    for (const cluster of network.values()) {
      const pairs = pairsOf(network, cluster)
      for (const node of cluster.nodes.values()) {
        const place = `${cluster.name}/${node.name}`
        this.#specs.set(place, tamper(place, planNode(cluster, node, pairs)))
      }
    }
    this.#forwarding = new Forwarding({
      network,
      specOf: (place) => this.#specs.get(place),
      isSilent: (place, { to = '' }) => this.#down.has(to) || isCut(place, to) || isDeaf(place, to),
    })
  }

  spec(place: string): NodeConfigSpec {
    const spec = this.#specs.get(place)
    if (spec === undefined) throw new Error(`there is no node ${place}`)
    return spec
  }

  /** A node has heard of something already that others have not. */
  adopt(place: string, spec: NodeConfigSpec): void {
    this.#specs.set(place, spec)
  }

  /** From a pod on a node to an address; `source` undefined: from the node itself. */
  send(place: string, source: string | undefined, target: string): Trip {
    const trip = this.#forwarding.send(place, source, target)
    const dead =
      trip.path.slice(1).find((passed) => this.#down.has(passed)) ??
      trip.hops.find((hop) => this.#isCut(hop.from, hop.to))?.to
    if (dead === undefined) return trip
    const { arrivedAt: _, ...lost } = trip
    return { ...lost, lost: `${dead} is down, or cut off` }
  }
}
