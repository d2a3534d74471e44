import type { LinkDevice } from '@kosmos/api'
import { devices } from '../../model/names.ts'

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
