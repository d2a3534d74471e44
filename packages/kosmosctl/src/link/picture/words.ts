import { age } from '../../output/age.ts'
import type { PairState } from '../network/pairs.ts'
import type { TunnelState } from '../network/tunnels.ts'

/** As much of a text as fits. */
export function clipped(text: string, length: number): string {
  const characters = [...text]
  return characters.length <= length ? text : `${characters.slice(0, length - 1).join('')}…`
}

/** `berlin → paris: partly, 1 of 2 nodes, by vxlan (clear)`. */
export function pairWords({ from, to, verdict, nodesReaching, nodes, tunnel }: PairState): string {
  const by = tunnel === 'vxlan' ? 'vxlan (clear)' : tunnel
  return `${from} → ${to}: ${verdict}, ${nodesReaching} of ${nodes} nodes, by ${by}`
}

/** `berlin/n1 → paris/n2 by vx-bridge: up, 0.3 ms, 0 % lost`. */
export function tunnelWords(
  { from, to, dev, nextHop, state, since, roundTripMicroseconds, lossPercent }: TunnelState,
  now: number,
): string {
  const quality =
    state === 'up'
      ? [
          ...(roundTripMicroseconds === undefined ? [] : [`${(roundTripMicroseconds / 1000).toFixed(1)} ms`]),
          ...(lossPercent === undefined ? [] : [`${lossPercent} % lost`]),
        ]
      : since === undefined
        ? []
        : [`since ${age(since, now)}`]
  return `${from} → ${to} by ${dev} (${nextHop}): ${[state, ...quality].join(', ')}`
}
