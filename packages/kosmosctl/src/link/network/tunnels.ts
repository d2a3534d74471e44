import type { NodeConfigSpec } from '@kosmos/api'
import { devices } from '@kosmos/cluster-link'
import { type HopState, type LinkView, nextHopOf, stateOf } from './view.ts'

/** A next hop of a node, and what its agent says of it. Nodes are written as `cluster/node`. */
export interface TunnelState {
  readonly from: string
  readonly to: string
  readonly dev: string
  readonly port: number
  readonly nextHop: string
  readonly isEncrypted: boolean
  readonly mtu: number | undefined
  readonly state: HopState
  readonly since?: string
  readonly asked?: string
  readonly roundTripMicroseconds?: number
  readonly lossPercent?: number
}

/** Every next hop of every node. */
export function tunnelsOf(view: LinkView): TunnelState[] {
  return [...view.configs].flatMap(([from, config]) => {
    const { routes = [], inwardRoutes = [], detours = [], devices: links = [] } = config.spec
    const all = [...routes, ...inwardRoutes, ...detours]
    const hops = new Map(all.flatMap(({ gw, dev }) => (gw === undefined ? [] : [[`${gw} ${dev}`, { gw, dev }]])))
    return [...hops.values()].map(({ gw, dev }): TunnelState => {
      const said = nextHopOf(config, gw)
      return {
        from,
        to: view.forwarding.nodeOf(gw) ?? gw,
        dev,
        port: portOf(config.spec, gw, dev),
        nextHop: gw,
        isEncrypted: dev === devices.secure.name,
        mtu: links.find(({ name }) => name === dev)?.mtu,
        state: stateOf(said),
        ...(said && { since: said.since }),
        ...(said?.lastProbeTime !== undefined && { asked: said.lastProbeTime }),
        ...(said?.roundTripMicroseconds !== undefined && { roundTripMicroseconds: said.roundTripMicroseconds }),
        ...(said?.lossPercent !== undefined && { lossPercent: said.lossPercent }),
      }
    })
  })
}

/** The UDP port that has to pass: of the device, or, where that is within an encrypted tunnel, of the tunnel's. */
function portOf({ arps = [], fdbs = [], routes = [] }: NodeConfigSpec, gw: string, dev: string): number {
  const mac = arps.find((arp) => arp.ip === gw && arp.dev === dev)?.mac
  const end = fdbs.find((fdb) => fdb.mac === mac && fdb.dev === dev)?.ip
  const below = dev === devices.secure.name ? routes.find(({ cidr }) => cidr === `${end}/32`)?.dev : dev
  return Object.values(devices).find(({ name }) => name === below)?.port ?? devices.bridge.port
}
