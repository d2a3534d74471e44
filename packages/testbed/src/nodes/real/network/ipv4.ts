/** An IPv4 range: its first address as an unsigned 32-bit number, and the length of its prefix. */
export interface Range {
  readonly base: number
  readonly prefix: number
}

/** Parses `10.1.0.0/16`, or an address alone as a /32; bits beyond the prefix are dropped. @throws when it is neither */
export function parseRange(text: string): Range {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})(?:\/(\d{1,2}))?$/.exec(text)
  const octets = match?.slice(1, 5).map(Number) ?? []
  const prefix = Number(match?.[5] ?? 32)
  if (octets.length !== 4 || octets.some((o) => o > 255) || prefix > 32) throw new Error(`${text} is not an IPv4 range`)
  const address = octets.reduce((sum, octet) => sum * 256 + octet, 0)
  return { base: address - (address % 2 ** (32 - prefix)), prefix }
}

function formatAddress(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join('.')
}

export function formatRange({ base, prefix }: Range): string {
  return `${formatAddress(base)}/${prefix}`
}

/** The nth address of a range: 0 is the network itself. @throws when the range is smaller */
export function nthAddress(range: Range, n: number): string {
  if (n < 0 || n >= 2 ** (32 - range.prefix)) throw new Error(`${formatRange(range)} has no address number ${n}`)
  return formatAddress(range.base + n)
}

/** The nth range of the given prefix length within a range. @throws when there are not as many */
export function nthSubrange(range: Range, prefix: number, n: number): Range {
  if (n < 0 || prefix < range.prefix || n >= 2 ** (prefix - range.prefix)) {
    throw new Error(`${formatRange(range)} has no /${prefix} number ${n}`)
  }
  return { base: range.base + n * 2 ** (32 - prefix), prefix }
}

export function overlaps(a: Range, b: Range): boolean {
  const size = 2 ** (32 - Math.min(a.prefix, b.prefix))
  return Math.floor(a.base / size) === Math.floor(b.base / size)
}
