import type { LinkRoute, NodeConfigSpec } from '@kosmos/api'
import { devices } from './names.ts'

const local: readonly string[] = [devices.local.name, devices.local6.name]

/** Whether a device stays within its cluster. */
export const isLocal = (dev: string): boolean => local.includes(dev)

/** The ways by other gateways of the same cluster to where a route to another cluster leads. */
export function detoursOf({ cidr, gw, dev }: LinkRoute, { detours = [] }: NodeConfigSpec): LinkRoute[] {
  if (gw === undefined || isLocal(dev)) return []
  return detours
    .filter((detour) => detour.gw.includes(':') === cidr.includes(':'))
    .map((detour) => ({ cidr, ...detour }))
}
