import { isIP } from 'node:net'
import { type Cidr, overlaps, parseCidr } from '@kosmos/kube/addresses'

/** A network, and who says so: an object of the cluster, such as `IPPool default`. */
export interface Stated {
  readonly cidr: Cidr
  readonly by: string
}

/** What one source says of the networks of a cluster. */
export interface Said {
  /** As people call it, such as `IPPools of Calico`. */
  readonly source: string
  readonly pods: readonly Stated[]
  readonly services: readonly Stated[]
  /** The networks of the pods of single nodes, by their names. */
  readonly nodes: ReadonlyMap<string, readonly Stated[]>
  /** Single addresses that pods of a node have out of networks that are not the node's. */
  readonly borrowed: ReadonlyMap<string, readonly Cidr[]>
  /** What of it is no network, each with the object that names it. */
  readonly invalid: readonly string[]
}

export const saidBy = (source: string, parts: Partial<Said> = {}): Said => ({
  source,
  pods: [],
  services: [],
  nodes: new Map(),
  borrowed: new Map(),
  invalid: [],
  ...parts,
})

/** Networks as they were read, and what is none. */
export interface ReadNetworks {
  readonly stated: readonly Stated[]
  readonly invalid: readonly string[]
}

/** What a message quotes of a text that anybody may have written. */
const QUOTED = 64

/** Reads networks out of whatever stands where they should. Absent and empty is none, anything else has to be one. */
export function readNetworks(by: string, texts: unknown): ReadNetworks {
  const stated: Stated[] = []
  const invalid: string[] = []
  for (const text of listOf(texts)) {
    const network = networkOf(text)
    if (typeof network === 'string') invalid.push(`${quoted(text)} of ${by} ${network}`)
    else stated.push({ cidr: network, by })
  }
  return { stated, invalid }
}

/** The same for a list in one text, as settings of Kubernetes have two families: `10.1.0.0/16,fd00::/56`. */
export function readNetworkList(by: string, text: unknown): ReadNetworks {
  return readNetworks(by, typeof text === 'string' ? text.split(',').map((part) => part.trim()) : text)
}

function listOf(texts: unknown): readonly unknown[] {
  const list = Array.isArray(texts) ? texts : [texts]
  return list.filter((text) => text !== undefined && text !== null && text !== '')
}

/** Wider than that is no network of a cluster: a route to it would take away what is not the cluster's. */
const widest = { 4: 8, 6: 16 } as const

/** Loopback, link-local and multicast. */
const unroutable: readonly Cidr[] = ['127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/4', 'fe80::/10', 'ff00::/8'].map(
  parseCidr,
)
const mappedIPv4 = parseCidr('::ffff:0:0/96')

/** @returns the network, or what is wrong with it */
function networkOf(text: unknown): Cidr | string {
  const [, address = '', length = ''] = (typeof text === 'string' && /^([\da-fA-F.:]+)\/(\d{1,3})$/.exec(text)) || []
  const family = isIP(address)
  if (family === 0 || Number(length) > (family === 4 ? 32 : 128)) return 'is no network'
  const cidr = parseCidr(`${address}/${Number(length)}`)
  if (cidr.prefix < widest[cidr.family]) return `is wider than /${widest[cidr.family]}`
  if (unroutable.some((network) => overlaps(network, cidr))) return 'is not routed'
  return overlaps(mappedIPv4, cidr) ? 'is no network' : cidr
}

function quoted(text: unknown): string {
  const shown = JSON.stringify(text) ?? ''
  return shown.length > QUOTED ? `${shown.slice(0, QUOTED)}…` : shown
}
