import { isIPv4, isIPv6 } from 'node:net'

export type Family = 4 | 6

export interface Network {
  readonly family: Family
  /** The address as a number, host bits included. */
  readonly value: bigint
  readonly prefixLength: number
}

export const widthOf = (family: Family): number => (family === 4 ? 32 : 128)

export const familyOf = (address: string): Family => (address.includes(':') ? 6 : 4)

/** Reads `address` or `address/length`; throws when it is neither. */
export function parseNetwork(text: string): Network {
  const [address = '', length] = text.split('/', 2)
  const family = familyOf(address)
  const prefixLength = length === undefined ? widthOf(family) : Number(length)
  if (!(family === 4 ? isIPv4(address) : isIPv6(address))) throw new TypeError(`${text} is no address`)
  if (!Number.isInteger(prefixLength) || prefixLength < 0 || prefixLength > widthOf(family))
    throw new TypeError(`${text} has no such prefix length`)
  return { family, value: family === 4 ? value4(address) : value6(address), prefixLength }
}

/** The address in the form in which the kernel's tools print it. */
export function canonicalAddress(text: string): string {
  const { family, value } = parseNetwork(text)
  return formatAddress(family, value)
}

/** `address/length` in the form of the kernel's tools, host bits kept. */
export function canonicalPrefix(text: string): string {
  const { family, value, prefixLength } = parseNetwork(text)
  return `${formatAddress(family, value)}/${prefixLength}`
}

/** The network that a CIDR is in, host bits cleared. */
export function canonicalNetwork(text: string): string {
  const { family, value, prefixLength } = parseNetwork(text)
  return `${formatAddress(family, value & ~hostMask(family, prefixLength))}/${prefixLength}`
}

/** The bits of the host part set, as an address: 0.0.255.255 for an IPv4 /16. */
export function hostMaskOf(cidr: string): string {
  const { family, prefixLength } = parseNetwork(cidr)
  return formatAddress(family, hostMask(family, prefixLength))
}

/** `address:port`, an IPv6 address in brackets, in the form of wg. */
export function canonicalEndpoint(text: string): string {
  const [, bracketed, plain, port] = /^(?:\[(.+)\]|([^:]+)):(\d+)$/.exec(text) ?? []
  if (port === undefined) throw new TypeError(`${text} is no ADDRESS:PORT`)
  return bracketed === undefined
    ? `${canonicalAddress(plain ?? '')}:${port}`
    : `[${canonicalAddress(bracketed)}]:${port}`
}

export function contains(cidr: string, address: string): boolean {
  const [outer, inner] = [parseNetwork(cidr), parseNetwork(address)]
  if (outer.family !== inner.family || outer.prefixLength > inner.prefixLength) return false
  const mask = ~hostMask(outer.family, outer.prefixLength)
  return (outer.value & mask) === (inner.value & mask)
}

function formatAddress(family: Family, value: bigint): string {
  if (family === 4) return formatAddress4(Number(value))
  const groups = Array.from({ length: 8 }, (_, index) => ((value >> BigInt(112 - 16 * index)) & 65_535n).toString(16))
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1)
}

function formatAddress4(value: number): string {
  return `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`
}

function hostMask(family: Family, prefixLength: number): bigint {
  return (1n << BigInt(widthOf(family) - prefixLength)) - 1n
}

function value4(address: string): bigint {
  return BigInt(address.split('.').reduce((value, part) => value * 256 + Number(part), 0))
}

function value6(address: string): bigint {
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::')
  const groups = (text: string | undefined) => (text ? text.split(':') : [])
  const [left, right] = [groups(head), groups(tail)]
  const all = [...left, ...Array<string>(8 - left.length - right.length).fill('0'), ...right]
  return all.reduce((value, group) => (value << 16n) | BigInt(`0x${group}`), 0n)
}
