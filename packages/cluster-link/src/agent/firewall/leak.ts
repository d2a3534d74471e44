import type { LinkDevice, LinkRoute, NodeConfigSpec } from '@kosmos/api'
import { detoursOf } from '../../model/detours.ts'
import { secureCIDR } from '../../model/names.ts'
import { contains, type Family } from '../net/cidr.ts'
import { chain, families, header, quoted, setOf, sortedNetworks } from './syntax.ts'

/**
 * What is to be encrypted goes into the tunnel or nowhere: when a device or a route is missing for a moment, packets would
 * take the default route, in clear text. To another gateway of its cluster it goes as it came from the nodes.
 */
export function leakChains(spec: NodeConfigSpec, vxlans: readonly LinkDevice[]): string[] {
  const secure = new Set(vxlans.filter(isSecure).map(({ name }) => name))
  const routes = (spec.routes ?? []).flatMap((route) => [route, ...detoursOf(route, spec)])
  const rules = families.flatMap((family) =>
    [...Map.groupBy(encrypted(routes, secure, family), ({ devices }) => setOf([...devices].map(quoted)))].map(
      ([devices, networks]) =>
        `${header(family)} daddr ${setOf(networks.map(({ cidr }) => cidr))} oifname != ${devices} counter drop`,
    ),
  )
  return [chain('postrouting_leak', 'type filter hook postrouting priority mangle', rules)]
}

export function isSecure({ local }: LinkDevice): boolean {
  return local !== undefined && contains(secureCIDR, local)
}

interface Encrypted {
  readonly cidr: string
  /** By which it may leave: those of its own routes and of routes to parts of it. */
  readonly devices: Set<string>
}

function encrypted(routes: readonly LinkRoute[], secure: ReadonlySet<string>, family: Family): Encrypted[] {
  const devicesTo = Map.groupBy(routes, ({ cidr }) => cidr)
  const found: Encrypted[] = []
  for (const { cidr, network } of sortedNetworks(devicesTo.keys(), family)) {
    const devices = (devicesTo.get(cidr) ?? []).map(({ dev }) => dev)
    const last = found.at(-1)
    if (last && contains(last.cidr, network)) for (const device of devices) last.devices.add(device)
    else if (devices.some((device) => secure.has(device))) found.push({ cidr: network, devices: new Set(devices) })
  }
  return found
}
