import type { CounterSet } from '../firewall/counting.ts'
import { canonicalAddress } from '../net/cidr.ts'
import { type DropReason, dropReasons, type TunnelFigures } from './figures.ts'

interface Counter {
  readonly packets: number
  readonly bytes: number
}

interface NftSet {
  readonly name: string
  readonly elem?: readonly { readonly elem?: { readonly val: string; readonly counter?: Counter } }[]
}

interface NftRule {
  readonly chain: string
  readonly expr: readonly {
    readonly match?: { readonly left?: { readonly meta?: { readonly key: string } } }
    readonly counter?: Counter
    readonly drop?: null
  }[]
}

interface NftItem {
  readonly set?: NftSet
  readonly rule?: NftRule
}

export interface FirewallFigures {
  readonly tunnels: readonly TunnelFigures[]
  readonly drops: ReadonlyMap<DropReason, number>
}

/** What our table has counted. @param shown `nft -j list table` */
export function parseFirewall(shown: unknown, sets: readonly CounterSet[]): FirewallFigures {
  const items = (shown as { readonly nftables: readonly NftItem[] }).nftables
  const known = new Map(sets.map((set) => [set.name, set]))
  const drops = new Map<DropReason, number>(dropReasons.map((reason) => [reason, 0]))
  for (const { rule } of items) {
    const reason = rule && reasonOf(rule)
    const packets = rule?.expr.find(({ counter }) => counter !== undefined)?.counter?.packets ?? 0
    if (reason) drops.set(reason, (drops.get(reason) ?? 0) + packets)
  }
  const tunnels = items.flatMap(({ set }) => {
    const declared = set && known.get(set.name)
    return declared ? elementsOf(set, declared) : []
  })
  return { tunnels, drops }
}

function elementsOf({ elem = [] }: NftSet, { device, direction }: CounterSet): TunnelFigures[] {
  return elem.flatMap(({ elem }) =>
    elem?.counter ? [{ device, direction, end: canonicalAddress(elem.val), ...pick(elem.counter) }] : [],
  )
}

const pick = ({ packets, bytes }: Counter) => ({ packets, bytes })

/** Of the rules that drop, by their chain, see `firewall/guard.ts` and `firewall/leak.ts`. */
function reasonOf({ chain, expr }: NftRule): DropReason | undefined {
  if (!expr.some((one) => 'drop' in one)) return undefined
  if (chain === 'prerouting_source') return 'foreign-source'
  if (chain === 'postrouting_leak') return 'unencrypted'
  if (chain !== 'input') return undefined
  return expr.some(({ match }) => match?.left?.meta?.key === 'iifname') ? 'outside-tunnel' : 'unknown-peer'
}
