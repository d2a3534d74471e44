import { type Cidr, contains, formatCidr, hostBits, overlaps, parseCidr } from '@kosmos/kube/addresses'

/** Where global networks are taken from when nobody says which: reserved (RFC 1112, section 4), and unique local. */
export const globalPool: readonly Cidr[] = ['242.0.0.0/8', 'fd42::/16'].map(parseCidr)

/** A cluster as far as its networks may be somebody else's as well. */
export interface Mapped {
  readonly name: string
  /** Its own networks. */
  readonly networks: readonly Cidr[]
  /** By which others know some of them: what was said by hand, and what was given before. */
  readonly mappings: readonly (readonly [local: Cidr, global: Cidr])[]
}

const isMapped = ({ mappings }: Mapped, network: Cidr): boolean => mappings.some(([local]) => contains(local, network))

/**
 * A global network for each network of a cluster that another cluster has as well, wholly or in part, and that nobody
 * mapped. What is given is in nobody's networks, nor given to somebody else.
 * @returns local → global of what is new
 */
export function globalCIDRsFor(cluster: Mapped, others: readonly Mapped[], pool = globalPool): Map<string, string> {
  const given = new Map<string, string>()
  const taken = [cluster, ...others].flatMap(({ networks, mappings }) => [
    ...networks,
    ...mappings.map(([, global]) => global),
  ])
  for (const network of cluster.networks) {
    const isShared = others.some(({ networks }) => networks.some((other) => overlaps(other, network)))
    if (!isShared || isMapped(cluster, network)) continue
    const free = freeNetwork(network, taken, pool)
    if (free === undefined) continue
    taken.push(free)
    given.set(formatCidr(network), formatCidr(free))
  }
  return given
}

/** The first network of the same size in the pool that overlaps nothing. */
function freeNetwork({ family, prefix }: Cidr, taken: readonly Cidr[], pool: readonly Cidr[]): Cidr | undefined {
  for (const within of pool) {
    if (within.family !== family || within.prefix > prefix) continue
    const end = within.base + (1n << BigInt(hostBits(within)))
    for (let base = within.base; base < end; ) {
      const candidate = { family, prefix, base }
      const size = 1n << BigInt(hostBits(candidate))
      const inTheWay = taken.find((network) => overlaps(network, candidate))
      if (inTheWay === undefined) return candidate
      const beyond = inTheWay.base + (1n << BigInt(hostBits(inTheWay)))
      // What is larger is stepped over as a whole; both are aligned.
      base = beyond > base + size ? beyond : base + size
    }
  }
  return undefined
}
