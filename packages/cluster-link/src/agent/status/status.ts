import {
  type Condition,
  type NextHopStatus,
  type NodeConfigStatus,
  nodeConfigCondition,
  withCondition,
} from '@kosmos/api'
import type { Report } from './report.ts'

/** The status that a report makes of the one before. */
export function statusOf(report: Report, before: NodeConfigStatus | undefined, now: number): NodeConfigStatus {
  const { generation, changedAt, syncedAt, underlay, wireGuard, ipsec, keys } = report
  const observedGeneration = generation ?? before?.observedGeneration
  const lastChangeTime = changedAt === undefined ? before?.lastChangeTime : timeOf(changedAt)
  const lastSyncTime = syncedAt === undefined ? before?.lastSyncTime : timeOf(syncedAt)
  return {
    ...(observedGeneration !== undefined && { observedGeneration }),
    ...(lastChangeTime && { lastChangeTime }),
    ...(lastSyncTime && { lastSyncTime }),
    conditions: conditionsOf(report, before?.conditions ?? [], timeOf(now)),
    abilities: ['NodeTranslations'],
    ...(underlay && { underlay }),
    ...(wireGuard && { wireGuard }),
    ...(ipsec && { ipsec }),
    ...(keys && Object.keys(keys).length > 0 && { keys }),
    nextHops: report.nextHops.map((hop) => nextHopOf(hop, now)),
  }
}

function conditionsOf(
  { attempted, applied, nextHops }: Report,
  before: readonly Condition[],
  now: string,
): Condition[] {
  const observed = attempted === undefined ? {} : { observedGeneration: attempted }
  const known = applied
    ? withCondition(
        before,
        nodeConfigCondition('Applied', applied.reason, {
          ...observed,
          ...(applied.detail !== undefined && { detail: applied.detail }),
        }),
        now,
      )
    : before
  const dead = nextHops.filter(({ reachability }) => reachability?.isReachable === false)
  const isProbing = nextHops.some(({ reachability }) => reachability?.isReachable === undefined)
  const reason = dead.length > 0 ? 'SomeUnreachable' : isProbing ? 'Probing' : 'AllReachable'
  return [...withCondition(known, nodeConfigCondition('NextHopsReachable', reason, observed), now)]
}

function nextHopOf({ address, reachability }: Report['nextHops'][number], now: number): NextHopStatus {
  const { isReachable = false, since = now, lastProbe, roundTripMicroseconds, lossPercent } = reachability ?? {}
  return {
    address,
    reachable: isReachable,
    since: timeOf(since),
    ...(lastProbe !== undefined && { lastProbeTime: timeOf(lastProbe) }),
    ...(roundTripMicroseconds !== undefined && { roundTripMicroseconds }),
    ...(lossPercent !== undefined && { lossPercent }),
  }
}

const timeOf = (milliseconds: number): string => new Date(milliseconds).toISOString()
