import { type ClusterConditionReason, clusterCondition, type NewCondition } from '@kosmos/api'
import type { Credentials } from '@kosmos/kube'
import type { Beat } from '../leaf/heartbeat.ts'
import type { Declined } from '../leaf/login.ts'
import type { VirtualNodeState } from '../nodes/state.ts'
import { credentialsExpiry } from './expiry.ts'

/** What a running leaf knows about itself; the controller makes the Cluster's status of it. */
export interface LeafReport {
  readonly beat: Beat | undefined
  /** gitVersion of the leaf's API server. */
  readonly version: string | undefined
  /** Why the leaf must not be used, found after connecting. */
  readonly refused:
    | { readonly reason: ClusterConditionReason<'VirtualNodesReady'>; readonly detail?: string }
    | undefined
  /** The certificates or the login of the kubeconfig cannot be used: why. */
  readonly unusable: string | undefined
  /** Why a virtual node that is given up still has pods, when these may not go yet. */
  readonly heldBack: string | undefined
  /** What the leaf says when it does not let us watch what we need (401 or 403). */
  readonly forbidden: string | undefined
  /** The same of something without which pods run all the same. */
  readonly withheld: string | undefined
  /** Why the leaf is still asked with the credentials before those of the Secret. */
  readonly declined: Declined | undefined
}

export interface ClusterView {
  readonly credentials: Credentials
  /** Undefined while no leaf runs. */
  readonly report: LeafReport | undefined
  /** Virtual nodes that exist in the root. */
  readonly virtualNodes: readonly VirtualNodeState[]
  readonly observedGeneration: number
  /** Milliseconds since the epoch. */
  readonly now: number
}

/** A Cluster's three conditions from its credentials, what its leaf reports, and its virtual nodes. Pure. */
export function conditionsOf(view: ClusterView): NewCondition[] {
  const { report, observedGeneration } = view
  const because = (detail?: string) => ({ observedGeneration, ...(detail !== undefined && { detail }) })
  const credentials: Credentials =
    report?.unusable === undefined
      ? view.credentials
      : { ok: false, reason: 'KubeconfigInvalid', detail: report.unusable }
  // One that has been reached goes on with the credentials that it had.
  if (!credentials.ok && report?.beat === undefined) {
    return [
      clusterCondition('Reachable', 'NoCredentials', because()),
      clusterCondition('CredentialsValid', credentials.reason, because(credentials.detail)),
      clusterCondition('VirtualNodesReady', 'CredentialsInvalid', because()),
    ]
  }
  return [
    reachable(report, because),
    credentials.ok
      ? credentialsValid(report, expiredAt(credentials.kubeconfig, view.now), because)
      : clusterCondition('CredentialsValid', credentials.reason, because(formerUsed(credentials.detail))),
    nodesReady(report, view.virtualNodes, because),
  ]
}

function expiredAt(kubeconfig: string, now: number): number | undefined {
  const expiry = credentialsExpiry(kubeconfig)
  return expiry !== undefined && expiry <= now ? expiry : undefined
}

const formerUsed = (detail = '') =>
  `${detail}${detail && '; '}until then those before them are used, while they are valid`

type Refused = Extract<Beat, { kind: 'refused' }>
type Because = (detail?: string) => { observedGeneration: number; detail?: string }

/** OpenSSL's and Node's codes for a certificate that does not fit, as they appear in messages. */
const NOT_TRUSTED = /CERT_|ERR_TLS_|SELF_SIGNED|UNABLE_TO_VERIFY|certificate/

function reachable(report: LeafReport | undefined, because: Because): NewCondition {
  const beat = report?.beat
  switch (beat?.kind) {
    case undefined:
      return clusterCondition('Reachable', 'Connecting', because())
    case 'ready':
    case 'refused':
      return clusterCondition('Reachable', 'LeafReachable', because())
    case 'notReady':
      return clusterCondition('Reachable', 'LeafNotReady', because(beat.message))
    case 'unreachable': {
      const reason = NOT_TRUSTED.test(beat.message) ? 'CertificateNotTrusted' : 'LeafUnreachable'
      return clusterCondition('Reachable', reason, because(beat.message))
    }
  }
}

/** `expired`: when the credentials ended, if they have. An API server only says 401 of them. */
function credentialsValid(report: LeafReport | undefined, expired: number | undefined, because: Because): NewCondition {
  const { beat, declined } = report ?? {}
  if (declined?.kind === 'unusable')
    return clusterCondition('CredentialsValid', 'KubeconfigInvalid', because(formerUsed(declined.message)))
  if (declined) return refusedBy(declined, expired, (detail) => because(formerUsed(detail)))
  switch (beat?.kind) {
    case 'ready': {
      const missing = report?.forbidden ?? report?.withheld
      return missing === undefined
        ? clusterCondition('CredentialsValid', 'CredentialsAccepted', because())
        : clusterCondition('CredentialsValid', 'PermissionsMissing', because(missing))
    }
    case 'refused':
      return refusedBy(beat, expired, because)
    default:
      return clusterCondition('CredentialsValid', 'Unverified', because())
  }
}

function refusedBy({ code, message }: Refused, expired: number | undefined, because: Because): NewCondition {
  if (code === 403) return clusterCondition('CredentialsValid', 'PermissionsMissing', because(message))
  return expired === undefined
    ? clusterCondition('CredentialsValid', 'CredentialsRejected', because(message))
    : clusterCondition('CredentialsValid', 'CredentialsExpired', because(new Date(expired).toISOString()))
}

function nodesReady(
  report: LeafReport | undefined,
  virtualNodes: readonly VirtualNodeState[],
  because: Because,
): NewCondition {
  const { beat, refused, forbidden, heldBack } = report ?? {}
  if (refused) return clusterCondition('VirtualNodesReady', refused.reason, because(refused.detail))
  if (beat?.kind === 'refused' || forbidden !== undefined)
    return clusterCondition('VirtualNodesReady', 'CredentialsInvalid', because())
  if (beat?.kind === 'unreachable' || beat?.kind === 'notReady')
    return clusterCondition('VirtualNodesReady', 'LeafUnreachable', because())
  const waiting = virtualNodes.find(({ ready }) => !ready)
  if (beat === undefined || virtualNodes.length === 0 || (waiting && waiting.ready === undefined))
    return clusterCondition('VirtualNodesReady', 'Starting', because())
  if (waiting) return clusterCondition('VirtualNodesReady', 'NoReadyLeafNode', because(waiting.message))
  return clusterCondition('VirtualNodesReady', 'VirtualNodesReady', because(heldBack))
}
