import { type Cidr, contains, hostBits } from '@kosmos/kube/addresses'

/** The fewest networks that have the same addresses: neighbours become one, what is in another is left out. */
export function aggregate(networks: Iterable<Cidr>): Cidr[] {
  const merged: Cidr[] = []
  for (const network of [...networks].sort(byAddress)) {
    const last = merged.at(-1)
    if (last && contains(last, network)) continue
    merged.push(network)
    joinNeighbours(merged)
  }
  return merged
}

/** IPv4 first; who contains others comes right before them. */
export function byAddress(a: Cidr, b: Cidr): number {
  if (a.family !== b.family) return a.family - b.family
  return a.base === b.base ? a.prefix - b.prefix : a.base < b.base ? -1 : 1
}

/** As long as the last two are the halves of one network. */
function joinNeighbours(merged: Cidr[]): void {
  for (;;) {
    const [left, right] = merged.slice(-2)
    if (!left || !right || left.family !== right.family || left.prefix !== right.prefix) return
    const bit = 1n << BigInt(hostBits(left))
    if ((left.base & bit) !== 0n || left.base + bit !== right.base) return
    merged.splice(-2, 2, { ...left, prefix: left.prefix - 1 })
  }
}
