import { canonicalAddress, canonicalPrefix, type Family } from '../net/cidr.ts'
import { byHop, type Hop, type Route, rulePreference } from './state.ts'

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
  readonly table?: string
}

/** Our table, from `ip -json -4|-6 route show table 4876`. */
export function parseRoutes(shown: unknown, family: Family): Route[] {
  return (shown as readonly IpRoute[]).map((route): Route => {
    const cidr = canonicalPrefix(route.dst === 'default' ? (family === 4 ? '0.0.0.0/0' : '::/0') : route.dst)
    if (route.type === 'unreachable') return { cidr, hops: [] }
    const hops = (route.nexthops ?? [route]).map(hopOf).sort(byHop)
    return { cidr, ...(route.prefsrc && { source: canonicalAddress(route.prefsrc) }), hops }
  })
}

/** Whether the rule to our table is there, from `ip -json [-6] rule`. */
export function parseRule(shown: unknown, table: number): boolean {
  return (shown as readonly IpRule[]).some((rule) => rule.priority === rulePreference && rule.table === `${table}`)
}

function hopOf({ gateway, dev = '' }: IpHop): Hop {
  return { dev, ...(gateway && { gateway: canonicalAddress(gateway) }) }
}
