import { devices } from '@kosmos/cluster-link'
import { type HopState, type LinkView, nextHopOf, stateOf } from './view.ts'

/** A next hop of a node, and what its agent says of it. Nodes are written as `cluster/node`. */
export interface TunnelState {
  readonly from: string
  readonly to: string
  readonly dev: string
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
    const { routes = [], devices: links = [] } = config.spec
    const hops = new Map(routes.flatMap(({ gw, dev }) => (gw === undefined ? [] : [[`${gw} ${dev}`, { gw, dev }]])))
    return [...hops.values()].map(({ gw, dev }): TunnelState => {
      const said = nextHopOf(config, gw)
      return {
        from,
        to: view.forwarding.nodeOf(gw) ?? gw,
        dev,
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

/** The UDP port that has to pass for a device. */
export function portOf(dev: string): number {
  if (dev === devices.secure.name) return devices.wireGuard.port
  return Object.values(devices).find(({ name }) => name === dev)?.port ?? devices.bridge.port
}
