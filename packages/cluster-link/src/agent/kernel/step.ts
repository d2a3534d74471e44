import type { IpsecImplementation } from '../ipsec/implementation.ts'
import type { Forward } from './forward.ts'
import type { Fdb, KernelState, Link, Neighbour, Route, WireGuard } from './state.ts'

/** One change to the kernel. */
export type Step =
  | { readonly do: 'link.add'; readonly link: Link }
  | { readonly do: 'link.delete'; readonly name: string }
  | { readonly do: 'link.set'; readonly name: string; readonly change: LinkChange }
  | { readonly do: 'link.loosen'; readonly name: string }
  | { readonly do: 'address.add'; readonly dev: string; readonly address: string }
  | AddressRemoval
  | { readonly do: 'rule.add' | 'rule.delete'; readonly key: string }
  | { readonly do: 'route.replace' | 'route.delete'; readonly route: Route }
  | { readonly do: 'fdb.replace' | 'fdb.delete'; readonly fdb: Fdb }
  | { readonly do: 'neighbour.replace' | 'neighbour.delete'; readonly neighbour: Neighbour }
  | { readonly do: 'wireguard.set'; readonly wireGuard: WireGuard }
  | { readonly do: 'ipsec.set'; readonly ipsecs: KernelState['ipsecs']; readonly implementation: IpsecImplementation }
  | { readonly do: 'nft.replace'; readonly table: string }
  | { readonly do: 'forward.accept' | 'forward.forget'; readonly forward: Forward }

export interface AddressRemoval {
  readonly do: 'address.delete'
  readonly dev: string
  readonly address: string
}

/** What can be changed on a device while packets pass. */
export interface LinkChange {
  readonly mtu?: number
  readonly mac?: string
  readonly isUp?: boolean
  readonly isMarked?: true
}
