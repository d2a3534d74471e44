import type { LinkDevice, NodeConfigSpec } from '@kosmos/api'
import { canonicalAddress, type Family, familyOf } from '../net/cidr.ts'
import { chain, families, header } from './syntax.ts'

/** Seen from the node. */
export type Direction = 'receive' | 'transmit'

/** What packets from and to the other ends of one VXLAN device are counted by, each end apart. */
export interface CounterSet {
  readonly name: string
  readonly device: string
  readonly port: number
  readonly direction: Direction
  readonly family: Family
  readonly ends: readonly string[]
}

/** A VXLAN device counts all its tunnels together; these sets have an element with a counter for each. */
export function counterSetsOf({ fdbs = [], devices = [] }: NodeConfigSpec): CounterSet[] {
  return devices
    .filter(({ type }) => type === 'vxlan')
    .flatMap((device) => {
      const all = fdbs.filter(({ dev }) => dev === device.name).map(({ ip }) => canonicalAddress(ip))
      return families.flatMap((family) => {
        const ends = [...new Set(all.filter((end) => familyOf(end) === family))].sort()
        return ends.length > 0 ? directions.map((direction) => counterSet(device, direction, family, ends)) : []
      })
    })
}

const directions: readonly Direction[] = ['receive', 'transmit']

function counterSet(
  { name, port }: LinkDevice,
  direction: Direction,
  family: Family,
  ends: readonly string[],
): CounterSet {
  return { name: `${name}-${direction}${family}`, device: name, port, direction, family, ends }
}

/** The sets, and the chains that look packets up in them: on arrival before, on departure after all other filters. */
export function countingParts(spec: NodeConfigSpec): string[] {
  const sets = counterSetsOf(spec)
  const rules = (direction: Direction, side: 'saddr' | 'daddr') =>
    sets
      .filter((set) => set.direction === direction)
      .map(({ name, port, family }) => `udp dport ${port} ${header(family)} ${side} @${name}`)
  return [
    ...sets.map(setDeclaration),
    chain('input_count', 'type filter hook input priority filter - 10', rules('receive', 'saddr')),
    chain('output_count', 'type filter hook output priority filter + 10', rules('transmit', 'daddr')),
  ]
}

function setDeclaration({ name, family, ends }: CounterSet): string {
  return `\tset ${name} {\n\t\ttype ipv${family}_addr\n\t\tcounter\n\t\telements = { ${ends.join(', ')} }\n\t}\n`
}
