/**
 * A chain of somebody else's that packets pass on their way through the node: FORWARD of a kind of iptables, or one of
 * nftables. What a chain drops no other can let pass, so that there has to be a rule of ours in it.
 */
export type ForwardChain =
  | { readonly iptables: IptablesProgram }
  | { readonly nft: { readonly family: string; readonly table: string; readonly name: string } }

export type IptablesProgram = 'iptables' | 'ip6tables' | 'iptables-legacy' | 'ip6tables-legacy'

/** A rule of ours that lets pass what comes by a device, or leaves by it. */
export interface Forward {
  readonly chain: ForwardChain
  readonly direction: 'i' | 'o'
  readonly dev: string
  /** Of what is there: the handle by which nftables knows the rule. Of what is wanted: see `ClosedChain.before`. */
  readonly at?: number
  /** It stands behind a rule that drops everything. */
  readonly isTooLate?: true
}

/** A chain that drops packets that no rule is about. */
export interface ClosedChain {
  readonly chain: ForwardChain
  /** The rule that does it, by its number in iptables, by its handle in nftables; absent: the policy does. */
  readonly before?: number
}

/** What a chain has of ours, and whether ours is needed. */
export interface SeenChain {
  readonly ours: readonly Forward[]
  readonly closed?: ClosedChain
}

export const forwardKey = ({ chain, direction, dev, isTooLate }: Forward): string =>
  `${JSON.stringify(chain)} -${direction} ${dev}${isTooLate ? ' too late' : ''}`
