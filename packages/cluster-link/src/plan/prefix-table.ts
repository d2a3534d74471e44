import { type Cidr, hostBits } from '@kosmos/kube/addresses'

/** What is known of networks, looked up by an address: the longest prefix first. */
export class PrefixTable<T> {
  /** By family and host bits, the fewest first, then by the bits of the prefix. */
  readonly #lengths = new Map<4 | 6, Map<number, Map<bigint, T[]>>>()

  add(network: Cidr, value: T): void {
    const host = hostBits(network)
    const lengths = this.#lengths.get(network.family) ?? new Map<number, Map<bigint, T[]>>()
    if (!lengths.has(host)) {
      const all = [...lengths, [host, new Map<bigint, T[]>()] as const].sort(([a], [b]) => a - b)
      this.#lengths.set(network.family, new Map(all))
    }
    const ofLength = this.#lengths.get(network.family)?.get(host)
    const prefix = network.base >> BigInt(host)
    ofLength?.set(prefix, [...(ofLength.get(prefix) ?? []), value])
  }

  /** What there is of each network that the address is in, that of the smallest one first. */
  *matches({ family, base }: Cidr): Generator<readonly T[]> {
    for (const [host, prefixes] of this.#lengths.get(family) ?? []) {
      const found = prefixes.get(base >> BigInt(host))
      if (found) yield found
    }
  }
}
