import { type ClusterConditionReason, clusterCondition, type NewClusterCondition } from '@kosmos/api'
import type { Beat } from '../leaf/heartbeat.ts'
import type { Credentials } from './credentials.ts'

/** What a running leaf knows about itself; the controller makes the Cluster's status of it. */
export interface LeafReport {
  readonly beat: Beat | undefined
  /** gitVersion of the leaf's API server. */
  readonly version: string | undefined
  /** Why the leaf must not be used, found after connecting. */
  readonly refused:
    | { readonly reason: ClusterConditionReason<'VirtualNodesReady'>; readonly detail?: string }
    | undefined
  /** Virtual nodes that exist in the root, and whether each is Ready. */
  readonly virtualNodes: readonly { readonly name: string; readonly ready: boolean; readonly message?: string }[]
}

/** A Cluster's three conditions from its credentials and what its leaf reports. Pure. */
export function conditionsOf(
  credentials: Credentials,
  report: LeafReport | undefined,
  observedGeneration: number,
): NewClusterCondition[] {
  const because = (detail?: string) => ({ observedGeneration, ...(detail !== undefined && { detail }) })
  if (!credentials.ok) {
    return [
      clusterCondition('Reachable', 'NoCredentials', because()),
      clusterCondition('CredentialsValid', credentials.reason, because(credentials.detail)),
      clusterCondition('VirtualNodesReady', 'CredentialsInvalid', because()),
    ]
  }
  return [reachable(report, because), credentialsValid(report, because), nodesReady(report, because)]
}

type Because = (detail?: string) => { observedGeneration: number; detail?: string }

/** OpenSSL's and Node's codes for a certificate that does not fit, as they appear in messages. */
const NOT_TRUSTED = /CERT_|ERR_TLS_|SELF_SIGNED|UNABLE_TO_VERIFY|certificate/
/** What an API server says of a client certificate or token that is past its time. */
const EXPIRED = /expired/i

function reachable(report: LeafReport | undefined, because: Because): NewClusterCondition {
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

function credentialsValid(report: LeafReport | undefined, because: Because): NewClusterCondition {
  const beat = report?.beat
  switch (beat?.kind) {
    case 'ready':
      return clusterCondition('CredentialsValid', 'CredentialsAccepted', because())
    case 'refused': {
      const reason =
        beat.code === 403
          ? 'PermissionsMissing'
          : EXPIRED.test(beat.message)
            ? 'CredentialsExpired'
            : 'CredentialsRejected'
      return clusterCondition('CredentialsValid', reason, because(beat.message))
    }
    default:
      return clusterCondition('CredentialsValid', 'Unverified', because())
  }
}

function nodesReady(report: LeafReport | undefined, because: Because): NewClusterCondition {
  const { beat, refused, virtualNodes = [] } = report ?? {}
  if (refused) return clusterCondition('VirtualNodesReady', refused.reason, because(refused.detail))
  if (beat?.kind === 'refused') return clusterCondition('VirtualNodesReady', 'CredentialsInvalid', because())
  if (beat?.kind === 'unreachable' || beat?.kind === 'notReady')
    return clusterCondition('VirtualNodesReady', 'LeafUnreachable', because())
  const waiting = virtualNodes.find(({ ready }) => !ready)
  if (virtualNodes.length === 0) return clusterCondition('VirtualNodesReady', 'Starting', because())
  if (waiting) return clusterCondition('VirtualNodesReady', 'NoReadyLeafNode', because(waiting.message))
  return clusterCondition('VirtualNodesReady', 'VirtualNodesReady', because())
}
