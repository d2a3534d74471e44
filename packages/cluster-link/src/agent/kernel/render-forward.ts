import type { Command } from './command.ts'
import type { Forward } from './forward.ts'
import { linkAlias } from './state.ts'

/** Behind the rules of the network plug-in, whose NetworkPolicies count, and before what drops the rest. */
export function acceptance({ chain, direction, dev, at }: Forward): Command {
  if ('iptables' in chain) {
    const where = at === undefined ? ['-A', 'FORWARD'] : ['-I', 'FORWARD', `${at}`]
    return iptables(chain.iptables, where, { direction, dev })
  }
  const { family, table, name } = chain.nft
  const match = { op: '==', left: { meta: { key: direction === 'i' ? 'iifname' : 'oifname' } }, right: dev }
  const rule = { family, table, chain: name, comment: linkAlias, expr: [{ match }, { accept: null }] }
  return nft(at === undefined ? { add: { rule } } : { insert: { rule: { ...rule, handle: at } } })
}

export function removal({ chain, direction, dev, at }: Forward): Command {
  if ('iptables' in chain) return iptables(chain.iptables, ['-D', 'FORWARD'], { direction, dev })
  const { family, table, name } = chain.nft
  return nft({ delete: { rule: { family, table, chain: name, handle: at } } })
}

function iptables(program: string, where: readonly string[], { direction, dev }: Pick<Forward, 'direction' | 'dev'>) {
  const rule = [`-${direction}`, dev, '-m', 'comment', '--comment', linkAlias, '-j', 'ACCEPT']
  return { argv: [program, '-w', ...where, ...rule], stdin: '' }
}

/** As an argument: nft opens its standard input by a name, and ours is a socket. */
const nft = (command: object): Command => ({ argv: ['nft', '-j', JSON.stringify({ nftables: [command] })], stdin: '' })
