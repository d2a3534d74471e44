import { canonicalAddress } from '../net/cidr.ts'
import { type Answer, controlAddress } from './reachability.ts'

/** Long enough for the other side of the world; whether an answer is overdue is judged elsewhere. */
const timeoutMs = 2_000

/** The command that asks the addresses of its standard input for ever, and prints answers only. */
export function fpingArgv(periodMs: number, count: number): string[] {
  // Spread over half a period, so that all of them are asked within each.
  const interval = Math.min(10, periodMs / (2 * count))
  return ['fping', '-l', '-D', '-p', `${periodMs}`, '-t', `${timeoutMs}`, '-i', interval.toFixed(2), '-f', '-']
}

/** The control comes last: when it is asked, everybody has been. */
export function fpingInput(addresses: readonly string[]): string {
  return [...addresses, controlAddress].map((address) => `${address}\n`).join('')
}

/** A line such as `[1795913325.01797] 220.0.2.2 : [7], 64 bytes, 0.301 ms (0.301 avg, 0% loss)`. */
export function parseAnswer(line: string): Answer | undefined {
  const [, seconds, address = '', sequence, roundTripMs] =
    /^\[(\d+\.\d+)\] (\S+)\s+: \[(\d+)\], \d+ bytes, ([\d.]+) ms/.exec(line) ?? []
  if (seconds === undefined) return undefined
  return {
    address: canonicalAddress(address),
    sequence: Number(sequence),
    at: Math.round(Number(seconds) * 1000),
    roundTripMs: Number(roundTripMs),
  }
}
