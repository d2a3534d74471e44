import type { LinkDevice, NodeConfigSpec } from '@kosmos/api'
import { devices } from '../../model/names.ts'
import type { Family } from '../net/cidr.ts'
import { outermost } from './syntax.ts'

/** The VXLAN devices of a node, by what is behind them. */
export interface Sides {
  /** Other clusters. */
  readonly outside: readonly LinkDevice[]
  /** Nodes of the same cluster. */
  readonly inside: readonly LinkDevice[]
}

const outsideNames: readonly string[] = [devices.bridge.name, devices.bridge6.name, devices.secure.name]

export function sidesOf(vxlans: readonly LinkDevice[]): Sides {
  const [outside = [], inside = []] = [true, false].map((isOutside) =>
    vxlans.filter(({ name }) => outsideNames.includes(name) === isOutside),
  )
  return { outside, inside }
}

/** The networks of other clusters. */
export function networksBeyond({ routes = [] }: NodeConfigSpec, outside: Sides['outside'], family: Family): string[] {
  const names = new Set(outside.map(({ name }) => name))
  return outermost(
    routes.filter(({ dev }) => names.has(dev)).map(({ cidr }) => cidr),
    family,
  )
}
