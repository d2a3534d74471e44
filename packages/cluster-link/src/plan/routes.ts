import type { LinkRoute } from '@kosmos/api'
import type { Overlay } from './addresses.ts'

/** A next hop: its overlay addresses, and the device that leads there, if one does. */
export interface Hop {
  readonly overlay: Overlay
  readonly dev: string | undefined
}

/** Each once, by what makes it another one, in the order of that. */
export type Routes = readonly (readonly [key: string, route: LinkRoute])[]

export const routeKey = ({ cidr, gw = '', dev }: LinkRoute): string => `${cidr} ${gw} ${dev}`

/** One list of two, of which no route is in both. */
export function* mergedRoutes(some: Routes, others: Routes): Generator<LinkRoute> {
  let next = 0
  for (const [key, route] of some) {
    for (let other = others[next]; other !== undefined && other[0] < key; other = others[++next]) yield other[1]
    yield route
  }
  for (; next < others.length; next++) yield (others[next] as Routes[number])[1]
}

/** A route by several next hops, the first one first; the others stand by. */
export function* routesVia(cidr: string, family: 4 | 6, hops: readonly Hop[]): Generator<LinkRoute> {
  let metric = 0
  for (const { overlay, dev } of hops) {
    const gw = family === 4 ? overlay.ip : overlay.ip6
    if (dev === undefined || gw === undefined) continue
    yield { cidr, gw, dev, ...(metric > 0 && { metric }) }
    metric++
  }
}
