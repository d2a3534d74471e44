import type { ClusterConditionReason } from '@kosmos/api'
import { type Client, namespaces } from '@kosmos/kube'

/** The oldest minor version of 1 whose API has what a leaf needs: sidecar containers, pod status by hostIPs. */
const OLDEST_MINOR = 29

export interface LeafIdentity {
  /** uid of the leaf's kube-system namespace. */
  readonly id: string
  /** gitVersion, e.g. `v1.37.2`. */
  readonly version: string
}

/** Asks a leaf which cluster it is. */
export async function identify(leaf: Client): Promise<LeafIdentity> {
  const { gitVersion } = (await leaf.raw('/version')) as { gitVersion: string }
  const system = await leaf.get(namespaces, { name: 'kube-system' })
  if (!system) throw new Error(`${leaf.name}: there is no namespace kube-system, whose uid identifies the cluster`)
  return { id: system.metadata.uid, version: gitVersion }
}

export type LeafRefusal = { readonly reason: ClusterConditionReason<'VirtualNodesReady'>; readonly detail?: string }

/** What the root knows of a Cluster's leaf before it answers. */
export interface LeafExpectation {
  readonly rootClusterId: string
  /** The Cluster that stands for the same leaf already, if another. */
  readonly claimedBy: string | undefined
  /** The leaf that the Cluster's virtual node stands for, if it has one. */
  readonly knownAs: string | undefined
}

/** Why a cluster cannot be this leaf, if so. */
export function refusalOf(identity: LeafIdentity, expected: LeafExpectation): LeafRefusal | undefined {
  const { rootClusterId, claimedBy, knownAs } = expected
  if (identity.id === rootClusterId) return { reason: 'LeafIsRoot' }
  // Its pods are not in the other cluster, and must not count as vanished for that.
  if (knownAs !== undefined && knownAs !== identity.id) return { reason: 'LeafReplaced' }
  if (claimedBy !== undefined) return { reason: 'LeafAlreadyJoined', detail: `Cluster ${claimedBy}` }
  const [, major, minor] = /^v(\d+)\.(\d+)/.exec(identity.version) ?? []
  if (Number(major) === 1 && Number(minor) < OLDEST_MINOR) {
    return { reason: 'LeafTooOld', detail: `it runs ${identity.version}, at least v1.${OLDEST_MINOR} is needed` }
  }
  return undefined
}
