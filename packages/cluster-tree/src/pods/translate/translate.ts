import type { Pod } from '@kosmos/kube'
import { carryApiAccess } from './mutations/api-access.ts'
import { referToCopies } from './mutations/copy-names.ts'
import { refuseDeviceClaims } from './mutations/device-claims.ts'
import { resolveDownwardApi } from './mutations/downward-api.ts'
import { claimEphemeralVolumes } from './mutations/ephemeral-volumes.ts'
import { placeAtHome } from './mutations/home.ts'
import { stampIdentity } from './mutations/identity.ts'
import { carryPatience } from './mutations/patience.ts'
import { translatePriority } from './mutations/priority.ts'
import { dropRootOnlyFields } from './mutations/root-only-fields.ts'
import { dropRootResources } from './mutations/root-resources.ts'
import { constrainToLeaf } from './mutations/scheduling.ts'
import { carryTrust } from './mutations/trust.ts'
import type { LeafContext, PodMutation, Translation } from './translation.ts'

/** Root pod → leaf pod. Rows run in order; each changes only what its name says. */
export const podMutations: readonly PodMutation[] = [
  stampIdentity, // who owns the copy; everything else relies on it
  dropRootOnlyFields, // what the root's API server, scheduler and admission wrote for the root
  constrainToLeaf, // constraints on nodes mean the root's nodes, unless the user gave the leaf's
  placeAtHome, // a virtual node may stand for a part of the leaf only
  dropRootResources, // what is advertised on the virtual node alone has been counted there
  carryPatience, // how long a lost node is waited for is the pod's to say
  claimEphemeralVolumes, // the root has made their claims
  referToCopies, // a name may be taken in the leaf
  carryApiAccess, // service accounts, their tokens and the API server are the root's
  carryTrust, // and so are certificates of pods and bundles of trust
  resolveDownwardApi, // metadata.uid and spec.* mean the root pod
  translatePriority, // priority classes are the root's
  refuseDeviceClaims, // and so are devices that its scheduler has allocated
]

/**
 * The pod to create in the leaf for a root pod. Name, namespace, labels, annotations, containers and volumes are those of
 * the root pod, except for what the rows of {@link podMutations} say. Never throws for a pod that an API server accepted.
 */
export function translate(root: Pod, ctx: LeafContext): Translation {
  const { name, namespace, labels = {}, annotations = {} } = root.metadata
  const start: Translation = {
    pod: { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace, labels, annotations }, spec: root.spec },
    omissions: [],
    problems: [],
  }
  return podMutations.reduce((translation, mutate) => mutate(translation, root, ctx), start)
}
