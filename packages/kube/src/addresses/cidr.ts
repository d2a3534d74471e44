import { Address4, Address6 } from 'ip-address'

/** A network: its first address and the length of its prefix. Host bits of what was written are dropped. */
export interface Cidr {
  readonly family: 4 | 6
  readonly base: bigint
  readonly prefix: number
}

const bitsOf = { 4: 32, 6: 128 } as const

/** Reads `10.1.0.0/16` or `fd00::/64`; an address alone is the network of one. @throws TypeError if it is neither */
export function parseCidr(text: string): Cidr {
  try {
    const address = text.includes(':') ? new Address6(text) : new Address4(text)
    const family = address instanceof Address4 ? 4 : 6
    return { family, base: address.startAddress().bigInt(), prefix: address.subnetMask }
  } catch (error) {
    throw new TypeError(`"${text}" is neither a network nor an address`, { cause: error })
  }
}

export function formatAddress(family: 4 | 6, address: bigint): string {
  return family === 4 ? Address4.fromBigInt(address).correctForm() : Address6.fromBigInt(address).correctForm()
}

const texts = new WeakMap<Cidr, string>()

export function formatCidr(cidr: Cidr): string {
  // A plan writes the same networks thousands of times.
  const known = texts.get(cidr)
  if (known !== undefined) return known
  const text = `${formatAddress(cidr.family, cidr.base)}/${cidr.prefix}`
  texts.set(cidr, text)
  return text
}

/** How many bits of its addresses are not the network's. */
export function hostBits({ family, prefix }: Cidr): number {
  return bitsOf[family] - prefix
}

/** Whether there is an address in both. */
export function overlaps(a: Cidr, b: Cidr): boolean {
  if (a.family !== b.family) return false
  const shift = BigInt(Math.max(hostBits(a), hostBits(b)))
  return a.base >> shift === b.base >> shift
}

/** Whether all of `inner` is in `outer`. */
export function contains(outer: Cidr, inner: Cidr): boolean {
  return overlaps(outer, inner) && outer.prefix <= inner.prefix
}

/** The nth address of a network; 0 is the network itself. @throws RangeError if it has not as many */
export function nthAddress(network: Cidr, n: bigint): string {
  if (n < 0n || n >= 1n << BigInt(hostBits(network))) throw new RangeError(`${formatCidr(network)} has no address ${n}`)
  return formatAddress(network.family, network.base + n)
}

/** Where a network within `from` is when `from` is mapped to `to` one to one. */
export function translate(network: Cidr, from: Cidr, to: Cidr): Cidr {
  return { ...network, base: to.base + (network.base - from.base) }
}
