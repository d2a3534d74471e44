import type { LinkDetour, LinkRoute, NodeConfigSpec } from '@kosmos/api'
import { devices } from './names.ts'

const local: readonly string[] = [devices.local.name, devices.local6.name]

/** Whether a device stays within its cluster. */
export const isLocal = (dev: string): boolean => local.includes(dev)

/** By another gateway of the same cluster to where a route leads. */
export type Detour = LinkRoute & LinkDetour

/** The ways by other gateways of the same cluster to where a route to another cluster leads, the first one first. */
export function detoursOf({ cidr, gw, dev }: LinkRoute, { detours = [] }: NodeConfigSpec): Detour[] {
  if (gw === undefined || isLocal(dev)) return []
  return detours
    .filter((detour) => detour.gw.includes(':') === cidr.includes(':'))
    .map((detour) => ({ cidr, ...detour }))
    .sort((a, b) => (a.metric ?? 0) - (b.metric ?? 0))
}
