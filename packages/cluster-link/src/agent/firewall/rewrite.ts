import type { LinkTranslation } from '@kosmos/api'
import { canonicalNetwork, familyOf, hostMaskOf } from '../net/cidr.ts'
import { header } from './syntax.ts'

/** Whether others see another network than there is. */
export const isMapped = ({ local, global }: LinkTranslation): boolean =>
  canonicalNetwork(local) !== canonicalNetwork(global)

/** Packets to (or from) one network become packets to (or from) another, host bits kept, without tracking. */
export function rewrite({ local, global }: LinkTranslation, side: 'saddr' | 'daddr'): string {
  const [from, to] = side === 'daddr' ? [global, local] : [local, global]
  const field = `${header(familyOf(from))} ${side}`
  const network = canonicalNetwork(to).split('/')[0]
  return `${field} ${canonicalNetwork(from)} ${field} set ${field} & ${hostMaskOf(to)} | ${network}`
}
