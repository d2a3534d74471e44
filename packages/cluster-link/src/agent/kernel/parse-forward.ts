import { tableName } from '../firewall/syntax.ts'
import type { Forward, ForwardChain, IptablesProgram, SeenChain } from './forward.ts'
import { linkAlias } from './state.ts'

/** What `iptables -S FORWARD` says. */
export function parseIptables(shown: string, program: IptablesProgram): SeenChain {
  const chain = { iptables: program }
  const rules = shown.split('\n').filter((line) => line.startsWith('-A FORWARD '))
  const closing = rules.findIndex((line) =>
    /^-A FORWARD( -m comment --comment ("[^"]*"|\S+))? -j (DROP|REJECT)\b/.test(line),
  )
  const ours = rules.flatMap((line, index): Forward[] => {
    const [, direction, dev] = /^-A FORWARD -([io]) (\S+) /.exec(line) ?? []
    if (!dev || !line.includes(linkAlias) || !line.endsWith('-j ACCEPT')) return []
    const isTooLate = closing >= 0 && index > closing
    return [{ chain, direction: direction as 'i' | 'o', dev, ...(isTooLate && { isTooLate }) }]
  })
  if (closing >= 0) return { ours, closed: { chain, before: closing + 1 } }
  return { ours, ...(/^-P FORWARD DROP$/m.test(shown) && { closed: { chain } }) }
}

interface NftRule {
  readonly handle: number
  readonly comment?: string
  readonly expr: readonly Readonly<Record<string, unknown>>[]
}

interface NftChain {
  readonly family: string
  readonly table: string
  readonly name: string
  readonly hook?: string
  readonly policy?: string
}

interface NftEntry {
  readonly chain?: NftChain
  readonly rule?: NftRule
}

const entriesOf = (shown: string): readonly NftEntry[] =>
  shown.trim() === '' ? [] : (JSON.parse(shown) as { nftables: readonly NftEntry[] }).nftables

/** The chains of others that forwarded packets pass, from `nft -j list chains`; without those that iptables speaks for. */
export function parseForwardChains(shown: string): Extract<ForwardChain, { nft: object }>[] {
  return entriesOf(shown).flatMap(({ chain }) => {
    if (chain?.hook !== 'forward' || !['ip', 'ip6', 'inet'].includes(chain.family)) return []
    const { family, table, name } = chain
    const isOfIptables = family !== 'inet' && table === 'filter' && name === 'FORWARD'
    return table === tableName || isOfIptables ? [] : [{ nft: { family, table, name } }]
  })
}

/** What `nft -j -a list chain` says. */
export function parseNftChain(shown: string, chain: ForwardChain): SeenChain {
  const entries = entriesOf(shown)
  const rules = entries.flatMap(({ rule }) => rule ?? [])
  const closing = rules.findIndex(({ expr }) => isClosing(expr))
  const ours = rules.flatMap((rule, index): Forward[] => {
    const found = oursIn(rule)
    if (!found) return []
    const isTooLate = closing >= 0 && index > closing
    return [{ chain, ...found, at: rule.handle, ...(isTooLate && { isTooLate }) }]
  })
  const before = rules[closing]?.handle
  if (before !== undefined) return { ours, closed: { chain, before } }
  const isClosed = entries.some((entry) => entry.chain?.policy === 'drop')
  return { ours, ...(isClosed && { closed: { chain } }) }
}

/** Whether nothing gets past a rule: it drops, whatever the packet. */
function isClosing(expr: NftRule['expr']): boolean {
  const words = expr.flatMap((part) => Object.keys(part))
  return (
    words.every((word) => ['counter', 'log', 'drop', 'reject'].includes(word)) && /drop|reject/.test(`${words.at(-1)}`)
  )
}

function oursIn({ comment, expr }: NftRule): Pick<Forward, 'direction' | 'dev'> | undefined {
  const [match] = expr as readonly {
    readonly match?: { readonly left?: { meta?: { key?: string } }; right?: unknown }
  }[]
  const { left, right } = match?.match ?? {}
  const direction = { iifname: 'i', oifname: 'o' }[left?.meta?.key ?? ''] as 'i' | 'o' | undefined
  return comment === linkAlias && direction && typeof right === 'string' ? { direction, dev: right } : undefined
}
