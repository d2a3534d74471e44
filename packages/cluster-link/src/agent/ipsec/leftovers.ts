import type { Shell } from '../shell/shell.ts'
import { interfaceId } from './connection.ts'

/**
 * Takes away what a strongSwan that was killed left in the kernel: a new one knows nothing of it. Others' associations
 * and policies have another interface, or none.
 */
export async function removeLeftovers(shell: Shell): Promise<void> {
  const [states, policies] = await Promise.all([
    shell.run(['ip', 'xfrm', 'state', 'list', 'nokeys']),
    shell.run(['ip', 'xfrm', 'policy', 'list']),
  ])
  const lines = [...stateRemovals(states), ...policyRemovals(policies)]
  // One that expired meanwhile is no error.
  if (lines.length > 0) await shell.run(['ip', '-force', '-batch', '-'], lines.map((line) => `${line}\n`).join(''))
}

/** @param shown `ip xfrm state list` */
export function stateRemovals(shown: string): string[] {
  return ours(shown).flatMap((entry) => {
    const [, src, dst, spi] = /^src (\S+) dst (\S+)\s+proto esp spi (0x[0-9a-f]+)/.exec(entry) ?? []
    return spi === undefined ? [] : [`xfrm state delete src ${src} dst ${dst} proto esp spi ${spi}`]
  })
}

/** @param shown `ip xfrm policy list` */
export function policyRemovals(shown: string): string[] {
  return ours(shown).flatMap((entry) => {
    const [, src, dst, dir] = /^src (\S+) dst (\S+)\s+dir (in|out|fwd) /.exec(entry) ?? []
    return dir === undefined ? [] : [`xfrm policy delete src ${src} dst ${dst} dir ${dir} if_id ${hexadecimalId}`]
  })
}

const hexadecimalId = `0x${interfaceId.toString(16)}`

/** Entries begin at the margin; what belongs to them is indented. */
function ours(shown: string): string[] {
  return shown
    .split(/\n(?=src )/)
    .filter((entry) => new RegExp(`^\\s+if_id ${hexadecimalId}$`, 'm').test(entry.trimEnd()))
}
