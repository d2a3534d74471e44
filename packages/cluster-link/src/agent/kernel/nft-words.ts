import { tableName } from '../firewall/syntax.ts'
import type { Shell } from '../shell/shell.ts'

/** nft joins neighbouring addresses to networks when it lists, and may do so again when it reads its own words. */
const mostReadings = 5

/**
 * A table as this version of nft prints it, so that what is wanted and what is there are compared in the same words: it
 * is loaded and listed in a network namespace that ends with the command.
 */
export function nftWords(shell: Shell): (table: string) => Promise<string> {
  const script = `nft -f - && nft -s list table inet ${tableName}`
  let last = { table: '', words: '' }
  const settle = async (table: string): Promise<string> => {
    let words = table
    for (let reading = 0; reading < mostReadings; reading++) {
      const next = await shell.run(['unshare', '--net', 'sh', '-c', script], words)
      if (next === words) return words
      words = next
    }
    throw new Error('nft prints the table in other words each time it reads it')
  }
  return async (table) => {
    if (table === '') return ''
    if (table !== last.table) last = { table, words: await settle(table) }
    return last.words
  }
}
