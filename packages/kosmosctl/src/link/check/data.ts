import { findingsData } from '../../check/command.ts'
import type { LinkCheck } from './check.ts'

/** As `-o json` prints it. Pure. */
export function linkCheckData({ now, findings, ...rest }: LinkCheck): object {
  return { time: new Date(now).toISOString(), ...rest, ...(findingsData(findings) as object) }
}
