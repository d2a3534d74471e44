import { contains, formatAddress, parseCidr, translate } from '@kosmos/kube/addresses'
import type { LinkNetwork } from '../model/network.ts'
import { visibleNetworks } from '../plan/visible.ts'

/** The address by which a reader reaches what a source calls so; undefined: it does not. */
export type SeenFrom = (address: string) => string | undefined

/**
 * How addresses in the EndpointSlices of one cluster are written for another: through GlobalIP where networks are mapped.
 * @returns undefined as long as the networks of either are not known
 */
export function addressesSeen(network: LinkNetwork, reader: string, source: string): SeenFrom | undefined {
  if (reader === source) return (address) => address
  const [here, there] = [network.get(reader), network.get(source)]
  if (here === undefined || there?.networks.every(({ kind }) => kind !== 'Pod') !== false) return undefined
  const peers = [...network.values()].filter(({ name }) => !here.strangers.has(name))
  const visible = new Set(peers.flatMap((other) => visibleNetworks(network, here, other)))
  return (address) => {
    const one = parseCidr(address)
    const own = there.networks.find(({ local }) => contains(local, one))
    if (own) return visible.has(own) ? formatAddress(one.family, translate(one, own.local, own.global).base) : undefined
    // What is in the root's slices may be a pod of a leaf, by its global address.
    const back = here.networks.find(({ global }) => contains(global, one))
    if (back) return formatAddress(one.family, translate(one, back.global, back.local).base)
    const elsewhere = [...network.values()].flatMap(({ networks }) => networks)
    const known = elsewhere.filter(({ global }) => contains(global, one))
    return known.length === 0 || known.some((seen) => visible.has(seen)) ? address : undefined
  }
}
