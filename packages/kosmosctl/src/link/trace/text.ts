import { table } from '../../output/table.ts'
import type { Leg, Trace, TracedHop } from './trace.ts'

/** Each direction as a table of hops, the first one that packets do not pass marked. Pure. */
export function traceText({ from, to, families }: Trace): string {
  const lines = [`${from.name} on ${from.node} → ${to.name} on ${to.node}`]
  if (families.length === 0) lines.push('', 'the two have no address in the same family')
  for (const { family, there, back } of families) {
    lines.push('', `IPv${family}, there: ${verdict(there)}`, ...hops(there))
    lines.push('', `IPv${family}, back: ${verdict(back)}`, ...hops(back))
  }
  return lines.join('\n')
}

function verdict({ arrivedAt, why, sent, received, hops }: Leg): string {
  if (why !== undefined) return `stops: ${why}`
  const unknown = hops.some(({ state }) => state === 'unknown') ? ', though not all hops have been asked yet' : ''
  const sees = received ? `; ${addresses(sent)} arrives as ${addresses(received)}` : ''
  return `arrives at ${arrivedAt}${unknown}${sees}`
}

const addresses = ({ source, target }: { source: string; target: string }) => `${source} → ${target}`

function hops({ hops, stopsAt }: Leg): string[] {
  if (hops.length === 0) return []
  const head = ['', 'from', 'to', 'device', 'next hop', 'tunnel to', 'source', 'target', 'mtu', 'state', 'round trip']
  return [
    table(
      head,
      hops.map((hop, index) => row(hop, index, index === stopsAt)),
    ),
    ...hops.flatMap((hop, index) => counts(hop, index)),
  ]
}

/** What was counted, from counter to counter. */
function counts({ counted }: TracedHop, index: number): string[] {
  if (counted === undefined) return []
  const stages = counted.stages.map(({ place, device, direction, amount }) => {
    const way = direction === 'transmit' ? 'sent' : 'received'
    return `${place} ${way} ${amount ? `${amount.count} ${amount.unit}` : '?'} by ${device}`
  })
  return [`hop ${index + 1}, counters: ${counted.says}`, `  ${stages.join(' → ')}`]
}

function row(hop: TracedHop, index: number, isStop: boolean): string[] {
  const { from, to, dev, isEncrypted, nextHop, end, source, target, mtu, state, roundTripMicroseconds } = hop
  return [
    isStop ? 'X' : String(index + 1),
    from,
    to,
    isEncrypted ? `${dev} (encrypted)` : dev,
    nextHop,
    end,
    source,
    target,
    String(mtu ?? ''),
    state,
    roundTripMicroseconds === undefined ? '' : `${(roundTripMicroseconds / 1000).toFixed(1)} ms`,
  ]
}
