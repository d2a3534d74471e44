import { findingsText } from '../check/command.ts'
import { age } from '../output/age.ts'
import { table } from '../output/table.ts'
import type { LinkCheck } from './check.ts'
import type { NodePairState } from './node-pairs.ts'
import type { PairState } from './pairs.ts'

/** Tables for people: how clusters reach each other, nodes and pods if they were asked for, then what is wrong. Pure. */
export function linkCheckText({ pairs, nodePairs, pods, findings, now }: LinkCheck, wide: boolean): string {
  return [
    pairs.length > 0 ? pairsTable(pairs, now) : 'no two clusters are linked',
    ...(nodePairs ? ['', nodesTable(nodePairs)] : []),
    ...(pods && pods.length > 0
      ? [
          '',
          table(
            ['from', 'what', 'to', 'ip', 'state', 'why'],
            pods.map(({ from, way, to, family, works, size, why = '' }) => [
              from,
              size === undefined ? way : `${way} (${size})`,
              to,
              `v${family}`,
              works ? 'works' : 'fails',
              why,
            ]),
          ),
        ]
      : []),
    '',
    findingsText(findings, wide),
  ].join('\n')
}

function pairsTable(pairs: readonly PairState[], now: number): string {
  return table(
    ['from', 'to', 'mode', 'tunnel', 'ip', 'state', 'nodes', 'round trip', 'loss', 'mtu', 'since'],
    pairs.map((one) => [
      one.from,
      one.to,
      one.mode,
      one.tunnel === 'vxlan' ? 'vxlan (clear)' : one.tunnel,
      one.families.map((family) => `v${family}`).join(' '),
      one.verdict,
      `${one.nodesReaching}/${one.nodes}`,
      milliseconds(one.slowestMicroseconds),
      percent(one.worstLossPercent),
      String(one.mtu ?? ''),
      one.since === undefined ? '' : age(one.since, now),
    ]),
  )
}

function nodesTable(pairs: readonly NodePairState[]): string {
  return table(
    ['from node', 'to node', 'ip', 'state', 'round trip', 'loss', 'mtu', 'by', 'why'],
    pairs.map((one) => [
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
  )
}

const milliseconds = (micro: number | undefined): string =>
  micro === undefined ? '' : `${(micro / 1000).toFixed(1)} ms`
const percent = (value: number | undefined): string => (value === undefined ? '' : `${value} %`)
