import { ok, problem, skipped, type Verdict, warning } from './finding.ts'

const problemMs = 5 * 60_000
const warningMs = 10_000

/** Whether a cluster's clock agrees with this machine's; `offsetMs` is how far it is ahead. Pure. */
export function clockVerdict(who: string, offsetMs: number | undefined): Verdict {
  if (offsetMs === undefined) return skipped(`${who} does not say what time it is`)
  const seconds = Math.round(Math.abs(offsetMs) / 1000)
  const text = `the clock of ${who} is ${seconds} s ${offsetMs > 0 ? 'ahead of' : 'behind'} this machine's`
  const fix = 'set the clocks by NTP: tokens and certificates are only valid between two times'
  if (Math.abs(offsetMs) > problemMs) return problem(text, fix)
  return Math.abs(offsetMs) > warningMs ? warning(text, fix) : ok(`the clock of ${who} agrees`)
}
