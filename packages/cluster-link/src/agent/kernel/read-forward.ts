import { CommandFailed, type Shell, ToolMissing } from '../shell/shell.ts'
import type { IptablesProgram, SeenChain } from './forward.ts'
import { parseForwardChains, parseIptables, parseNftChain } from './parse-forward.ts'

/** The tables of the older iptables that the kernel has; to look by iptables-legacy itself would make one. */
const legacyTables = { 'iptables-legacy': 'ip_tables_names', 'ip6tables-legacy': 'ip6_tables_names' } as const

/** Reads the chains of others that forwarded packets pass. */
export async function readForwardChains(shell: Shell): Promise<SeenChain[]> {
  const [ofIptables, ofNft] = await Promise.all([
    Promise.all([
      readIptables(shell, 'iptables'),
      readIptables(shell, 'ip6tables'),
      readLegacy(shell, 'iptables-legacy'),
      readLegacy(shell, 'ip6tables-legacy'),
    ]),
    readNft(shell),
  ])
  return [...ofIptables, ...ofNft]
}

async function readIptables(shell: Shell, program: IptablesProgram): Promise<SeenChain> {
  // Where iptables is not, nobody closed its FORWARD chain.
  return parseIptables(await orNothing(shell.run([program, '-w', '-S', 'FORWARD'])), program)
}

async function readLegacy(shell: Shell, program: keyof typeof legacyTables): Promise<SeenChain> {
  const tables = await orNothing(shell.run(['cat', `/proc/net/${legacyTables[program]}`]))
  return tables.split('\n').includes('filter') ? await readIptables(shell, program) : { ours: [] }
}

async function readNft(shell: Shell): Promise<SeenChain[]> {
  const chains = parseForwardChains(await orNothing(shell.run(['nft', '-j', 'list', 'chains'])))
  return await Promise.all(
    chains.map(async (chain) => {
      // As JSON, since others may have given it a name that is a word of nft's language.
      const list = JSON.stringify({ nftables: [{ list: { chain: chain.nft } }] })
      return parseNftChain(await orNothing(shell.run(['nft', '-j', '-a', list])), chain)
    }),
  )
}

async function orNothing(shown: Promise<string>): Promise<string> {
  return await shown.catch((error) => {
    if (error instanceof ToolMissing || error instanceof CommandFailed) return ''
    throw error
  })
}
