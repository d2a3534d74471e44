import { type Cidr, contains, hostBits, overlaps } from '@kosmos/kube/addresses'

/** The fewest networks that have all addresses of one and none of the others. */
export function without(network: Cidr, others: readonly Cidr[]): Cidr[] {
  const within = others.filter((other) => overlaps(network, other))
  if (within.length === 0) return [network]
  if (within.some((other) => contains(other, network))) return []
  const prefix = network.prefix + 1
  const half = 1n << BigInt(hostBits({ ...network, prefix }))
  return [network.base, network.base + half].flatMap((base) => without({ ...network, base, prefix }, within))
}
