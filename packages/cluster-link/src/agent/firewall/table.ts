import type { LinkDevice, NodeConfigSpec } from '@kosmos/api'
import { countingParts } from './counting.ts'
import { guardChains } from './guard.ts'
import { handingOnChains } from './handing-on.ts'
import { leakChains } from './leak.ts'
import { sidesOf } from './sides.ts'
import { chain, quoted, setOf, tableName } from './syntax.ts'
import { transitChains } from './transit.ts'
import { translationChains } from './translation.ts'

/** Our nftables table; empty when there is nothing to guard. */
export function nftTable(spec: NodeConfigSpec): string {
  const vxlans = (spec.devices ?? []).filter(({ type }) => type === 'vxlan')
  if (vxlans.length === 0) return ''
  const sides = sidesOf(vxlans)
  const parts = [
    ...countingParts(spec),
    ...guardChains(spec, sides),
    mssChain(vxlans),
    ...leakChains(spec, vxlans),
    ...transitChains(spec, sides),
    ...handingOnChains(spec, sides),
    ...translationChains(spec, sides),
  ]
  return `table inet ${tableName} {\n${parts.join('')}}\n`
}

/** A tunnel carries less than the link below it, and path MTU discovery is often blocked on the way. */
function mssChain(vxlans: readonly LinkDevice[]): string {
  const names = setOf(vxlans.map(({ name }) => quoted(name)))
  return chain('forward', 'type filter hook forward priority mangle', [
    `iifname ${names} tcp flags syn tcp option maxseg size set rt mtu`,
    `oifname ${names} tcp flags syn tcp option maxseg size set rt mtu`,
  ])
}
