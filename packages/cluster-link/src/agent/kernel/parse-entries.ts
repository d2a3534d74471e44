import { canonicalAddress, type Family } from '../net/cidr.ts'
import { type Fdb, forwardKey, linkAlias, type Neighbour } from './state.ts'

interface BridgeFdb {
  readonly mac: string
  readonly ifname: string
  readonly dst?: string
}

interface IpNeighbour {
  readonly dst: string
  readonly dev: string
  readonly lladdr?: string
  readonly state: readonly string[]
}

/** Forwarding entries of our devices, from `bridge -json fdb`. */
export function parseFdbs(shown: unknown, ours: ReadonlySet<string>): Fdb[] {
  return (shown as readonly BridgeFdb[]).flatMap(({ mac, ifname, dst }) =>
    dst !== undefined && ours.has(ifname) ? [{ dev: ifname, mac, ip: canonicalAddress(dst) }] : [],
  )
}

/** Permanent neighbours on our devices, from `ip -json neigh`. */
export function parseNeighbours(shown: unknown, ours: ReadonlySet<string>): Neighbour[] {
  return (shown as readonly IpNeighbour[]).flatMap(({ dst, dev, lladdr, state }) =>
    lladdr !== undefined && ours.has(dev) && state.includes('PERMANENT')
      ? [{ dev, ip: canonicalAddress(dst), mac: lladdr }]
      : [],
  )
}

/** What `iptables -S FORWARD` says: our rules in it, and whether a packet that no rule is about is dropped. */
export function parseForward(shown: string, family: Family): { readonly ours: string[]; readonly isClosed: boolean } {
  const ours = shown.split('\n').flatMap((line) => {
    const [, direction, dev] = /^-A FORWARD -([io]) (\S+) /.exec(line) ?? []
    const isOurs = dev && line.includes(linkAlias) && line.endsWith('-j ACCEPT')
    return isOurs ? [forwardKey(family, direction as 'i' | 'o', dev)] : []
  })
  return { ours, isClosed: /^-P FORWARD DROP$/m.test(shown) }
}
