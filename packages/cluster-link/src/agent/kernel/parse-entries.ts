import { canonicalAddress } from '../net/cidr.ts'
import type { Fdb, Neighbour } from './state.ts'

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
