import { isDeepStrictEqual } from 'node:util'
import type { NextHopStatus, NodeConfigStatus } from '@kosmos/api'

/** `now`: somebody waits for it. `later`: worth a write, not a hurry. `never`: nothing that anybody would notice. */
export type Urgency = 'now' | 'later' | 'never'

/** Times of probes and round trips change all the time; a write for each would keep the API server busy with nothing. */
export function urgencyOf(written: NodeConfigStatus | undefined, next: NodeConfigStatus): Urgency {
  if (written === undefined) return 'now'
  if (!isDeepStrictEqual(essenceOf(written), essenceOf(next))) return 'now'
  const before = new Map((written.nextHops ?? []).map((hop) => [hop.address, hop]))
  const isNoticed = (next.nextHops ?? []).some((hop) => isOtherQuality(before.get(hop.address), hop))
  return isNoticed ? 'later' : 'never'
}

function essenceOf({
  observedGeneration,
  lastChangeTime,
  conditions,
  abilities,
  underlay,
  wireGuard,
  ipsec,
  keys,
  nextHops,
}: NodeConfigStatus) {
  return {
    observedGeneration,
    lastChangeTime,
    abilities,
    underlay,
    wireGuard,
    ipsec,
    keys,
    conditions: (conditions ?? []).map(({ lastTransitionTime, ...condition }) => condition),
    nextHops: (nextHops ?? []).map(({ address, reachable }) => ({ address, reachable })),
  }
}

/** Round trips differ by a quarter and half a millisecond, or losses by five of a hundred. */
function isOtherQuality(
  before: NextHopStatus | undefined,
  { roundTripMicroseconds = 0, lossPercent = 0 }: NextHopStatus,
) {
  const { roundTripMicroseconds: rtt = 0, lossPercent: loss = 0 } = before ?? {}
  const difference = Math.abs(roundTripMicroseconds - rtt)
  return (difference > 500 && difference > rtt / 4) || Math.abs(lossPercent - loss) >= 5
}
