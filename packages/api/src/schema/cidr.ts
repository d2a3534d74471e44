import { isIPv4, isIPv6 } from 'node:net'

export interface Cidr {
  readonly family: 4 | 6
  readonly prefixLength: number
}

/** Hex groups of an IPv4-mapped IPv6 address after URL normalisation. */
const ipv4Mapped = /^\[::ffff:[0-9a-f]{1,4}:[0-9a-f]{1,4}\]$/

/**
 * Reads `address/length` as CEL's `isCIDR` does (Kubernetes' CIDR library, Go's netip.ParsePrefix): host bits may be
 * set; no zones, no leading zeros, no IPv4-mapped IPv6. Undefined when it is not a CIDR.
 */
export function parseCidr(text: string): Cidr | undefined {
  const slash = text.lastIndexOf('/')
  const address = text.slice(0, slash)
  const bits = text.slice(slash + 1)
  if (slash < 0 || !/^(0|[1-9][0-9]{0,2})$/.test(bits)) return undefined
  const prefixLength = Number(bits)
  if (isIPv4(address)) return prefixLength <= 32 ? { family: 4, prefixLength } : undefined
  if (!isIPv6(address) || address.includes('%') || prefixLength > 128) return undefined
  return ipv4Mapped.test(new URL(`http://[${address}]`).hostname) ? undefined : { family: 6, prefixLength }
}
