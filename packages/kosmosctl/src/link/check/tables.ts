import { age } from '../../output/age.ts'
import { some } from '../listed.ts'
import type { NodePairState } from '../network/node-pairs.ts'
import type { PairState } from '../network/pairs.ts'
import type { Outcome } from '../pods/outcome.ts'

/** A table before it is printed. */
export interface Rows {
  readonly head: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

/** How each cluster reaches each other one. */
export function pairsTable(pairs: readonly PairState[], now: number): Rows {
  return {
    head: ['from', 'to', 'mode', 'tunnel', 'ip', 'state', 'nodes', 'round trip', 'loss', 'mtu', 'since'],
    rows: pairs.map((one) => [
      one.from,
      one.to,
      one.mode,
      one.tunnel === 'vxlan' ? 'vxlan (clear)' : one.tunnel,
      one.families.map((family) => `v${family}`).join(' '),
      one.policies ? `not allowed by ${some(one.policies)}` : one.verdict,
      `${one.nodesReaching}/${one.nodes}`,
      milliseconds(one.slowestMicroseconds),
      percent(one.worstLossPercent),
      String(one.mtu ?? ''),
      one.since === undefined ? '' : age(one.since, now),
    ]),
  }
}

/** How each node reaches each other one. */
export function nodesTable(pairs: readonly NodePairState[]): Rows {
  return {
    head: ['from node', 'to node', 'ip', 'state', 'round trip', 'loss', 'mtu', 'by', 'why'],
    rows: pairs.map((one) => [
      one.from,
      one.to,
      `v${one.family}`,
      one.state,
      milliseconds(one.roundTripMicroseconds),
      percent(one.lossPercent),
      String(one.mtu ?? ''),
      one.path.slice(1, -1).join(' ') || 'straight',
      one.why ?? '',
    ]),
  }
}

/** What packets of pods did. */
export function podsTable(outcomes: readonly Outcome[]): Rows {
  return {
    head: ['from', 'what', 'to', 'ip', 'state', 'why'],
    rows: outcomes.map(({ from, way, to, family, works, size, bitsPerSecond, why = '' }) => [
      from,
      bitsPerSecond !== undefined
        ? `${way} (${megabits(bitsPerSecond)})`
        : size === undefined
          ? way
          : `${way} (${size})`,
      to,
      `v${family}`,
      works ? 'works' : 'fails',
      why,
    ]),
  }
}

const milliseconds = (micro: number | undefined): string =>
  micro === undefined ? '' : `${(micro / 1000).toFixed(1)} ms`
const percent = (value: number | undefined): string => (value === undefined ? '' : `${value} %`)
const megabits = (bitsPerSecond: number): string => `${Math.round(bitsPerSecond / 1e6)} Mbit/s`
