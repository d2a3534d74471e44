import { handedOnMark, handedOnTable, inwardTable, routingTable } from '../../model/names.ts'
import { canonicalAddress, canonicalPrefix, type Family } from '../net/cidr.ts'
import { byHop, type Hop, inwardPreference, type Route, ruleKey, rulePreference } from './state.ts'

interface IpHop {
  readonly gateway?: string
  readonly dev?: string
}

interface IpRoute extends IpHop {
  readonly type?: string
  readonly dst: string
  readonly prefsrc?: string
  readonly nexthops?: readonly IpHop[]
}

interface IpRule {
  readonly priority: number
  readonly iif?: string
  readonly fwmark?: string
  readonly fwmask?: string
  readonly table?: string
}

const mark = `0x${handedOnMark.toString(16)}`

/** One of our tables, from `ip -json -4|-6 route show table 4876`. */
export function parseRoutes(shown: unknown, family: Family, table: number): Route[] {
  const which = {
    ...(table === inwardTable && { isInward: true as const }),
    ...(table === handedOnTable && { isHandedOn: true as const }),
  }
  return (shown as readonly IpRoute[]).map((route): Route => {
    const cidr = canonicalPrefix(route.dst === 'default' ? (family === 4 ? '0.0.0.0/0' : '::/0') : route.dst)
    if (route.type === 'unreachable') return { cidr, ...which, hops: [] }
    const hops = (route.nexthops ?? [route]).map(hopOf).sort(byHop)
    return { cidr, ...which, ...(route.prefsrc && { source: canonicalAddress(route.prefsrc) }), hops }
  })
}

/** The rules to our tables, from `ip -json [-6] rule`. */
export function parseRules(shown: unknown, family: Family): string[] {
  return (shown as readonly IpRule[]).flatMap(({ priority, table, iif, fwmark, fwmask }) => {
    if (priority === rulePreference && table === `${routingTable}`) return [ruleKey(family)]
    if (priority !== inwardPreference || !iif) return []
    if (table === `${inwardTable}`) return [ruleKey(family, iif)]
    const isHandedOn = table === `${handedOnTable}` && fwmark === mark && fwmask === mark
    return isHandedOn ? [ruleKey(family, iif, 'handed-on')] : []
  })
}

function hopOf({ gateway, dev = '' }: IpHop): Hop {
  return { dev, ...(gateway && { gateway: canonicalAddress(gateway) }) }
}
