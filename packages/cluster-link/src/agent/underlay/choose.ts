import type { UnderlayStatus } from '@kosmos/api'
import { linkAlias } from '../kernel/state.ts'
import { contains } from '../net/cidr.ts'
import type { Autodetection } from './method.ts'

export interface ShownInterface {
  readonly ifname: string
  readonly ifalias?: string
  readonly flags: readonly string[]
  readonly mtu: number
  readonly addr_info?: readonly ShownAddress[]
}

interface ShownAddress {
  readonly family: string
  readonly local?: string
  readonly scope: string
  readonly temporary?: boolean
  readonly deprecated?: boolean
  readonly tentative?: boolean
  readonly secondary?: boolean
}

export interface ShownRoute {
  readonly dev?: string
  readonly prefsrc?: string
  readonly metric?: number
  readonly nexthops?: readonly { readonly dev?: string }[]
}

/** What a node looks like: from `ip -json address`, and routes by `ip -json route`. */
export interface Surroundings {
  readonly interfaces: readonly ShownInterface[]
  /** Of both families, IPv4 first. */
  readonly defaultRoutes: readonly ShownRoute[]
  /** To the address of can-reach. */
  readonly routeTo?: ShownRoute
  /** Addresses that tunnels start from now. */
  readonly inUse?: ReadonlySet<string>
}

/** Devices that container networks make, and that no other node can be reached by. */
const internal =
  /^(lo|veth|cni|cali|flannel|cilium|lxc|docker|br-|virbr|kube-|nodelocaldns|dummy|ifb|tunl|vxlan\.calico|wireguard\.cali|wg-?calico|vx-|kl-)/

/** Where the tunnels of a node start from; undefined when nothing fits. */
export function chooseUnderlay(method: Autodetection, surroundings: Surroundings): UnderlayStatus | undefined {
  const { interfaces, routeTo, inUse = new Set() } = surroundings
  const describe = (shown: ShownInterface, preferred?: string) => describeOf(shown, inUse, preferred)
  const usable = interfaces.filter(isUsable)
  const named = (name: string | undefined) => usable.find(({ ifname }) => ifname === name)
  switch (method.method) {
    case 'first-found': {
      const route = [...surroundings.defaultRoutes].sort(byMetric).find((way) => named(devOf(way)))
      const found = route ? named(devOf(route)) : usable.find(({ ifname }) => !internal.test(ifname))
      return found && describe(found, route?.prefsrc)
    }
    case 'can-reach': {
      const found = named(routeTo?.dev)
      return found && describe(found, routeTo?.prefsrc)
    }
    case 'interface': {
      const found = usable.find(({ ifname }) => method.pattern.test(ifname))
      return found && describe(found)
    }
    case 'cidr': {
      const within = (address: string) => method.cidrs.some((cidr) => contains(cidr, address))
      for (const shown of usable) {
        const address = addressesOf(shown, inUse).find(within)
        if (address !== undefined) return describe(shown, address)
      }
      return undefined
    }
  }
}

function isUsable(shown: ShownInterface): boolean {
  return shown.flags.includes('UP') && shown.ifalias !== linkAlias && addressesOf(shown).length > 0
}

const devOf = ({ dev, nexthops }: ShownRoute): string | undefined => dev ?? nexthops?.[0]?.dev
const byMetric = (a: ShownRoute, b: ShownRoute): number => (a.metric ?? 0) - (b.metric ?? 0)

function addressesOf({ addr_info = [] }: ShownInterface, inUse: ReadonlySet<string> = new Set()): string[] {
  const isInUse = ({ local = '' }: ShownAddress) => Number(inUse.has(local))
  return (
    addr_info
      .filter(({ scope, tentative, deprecated }) => scope === 'global' && !tentative && !deprecated)
      // Addresses that a host changes for privacy are none to be found at. Of the others, one that is in use stays so: the
      // kernel lists those of IPv6 last that were there first.
      .sort((a, b) => Number(a.temporary ?? false) - Number(b.temporary ?? false) || isInUse(b) - isInUse(a))
      .flatMap(({ local }) => local ?? [])
  )
}

/** @param preferred the address of the interface that a route or a network speaks for */
function describeOf(shown: ShownInterface, inUse: ReadonlySet<string>, preferred?: string): UnderlayStatus {
  const addresses = addressesOf(shown, inUse)
  const of = (isFamily: (address: string) => boolean) =>
    addresses.find((address) => address === preferred && isFamily(address)) ?? addresses.find(isFamily)
  const ip = of((address) => !address.includes(':'))
  const ip6 = of((address) => address.includes(':'))
  return { interfaceName: shown.ifname, mtu: shown.mtu, ...(ip && { ip }), ...(ip6 && { ip6 }) }
}
