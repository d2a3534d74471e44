import { dnsSubdomainPattern } from './schema/patterns.ts'

/**
 * Names on the wire. Those of the original Kosmos keep its spelling, so that manifests, selectors and dashboards
 * written for it go on working; the ones that are ours say so.
 */

export const apiGroup = 'kosmos.io'
export const apiVersion = 'kosmos.io/v1alpha1'

/** Ours. Where Kosmos itself runs, in the root and in every leaf. */
export const systemNamespace = 'kosmos-system'

/** Label and taint of every virtual node, value `true`; the effect of the taint is the Cluster's to choose. */
export const nodeLabel = 'kosmos.io/node'
export const nodeTaint = { key: nodeLabel, value: 'true', effect: 'NoSchedule' } as const
/** Ours. Label of a virtual node: the name of its Cluster. Volume affinity and topology spread use it as the leaf. */
export const clusterLabel = 'kosmos.io/cluster'
/**
 * Ours. Annotation of a Cluster and of its virtual nodes: the leaf's id, the uid of its kube-system namespace, by which a
 * leaf is known under any address.
 */
export const leafIdAnnotation = 'kosmos.io/leaf-id'
/** Annotation of a virtual node: the name of its Cluster. */
export const ownedByClusterAnnotation = 'kosmos-io/owned-by-cluster'
/** Annotation of a virtual node: what it stands for, see {@link leafNodeModes}. */
export const leafNodeModeAnnotation = 'leafNodeMode'
/** Values of {@link leafNodeModeAnnotation}: the whole leaf, one leaf node (ours), a group of leaf nodes. */
export const leafNodeModes = { cluster: 'one2cluster', node: 'one2one', group: 'one2party' } as const

/** Ours. Annotation of a virtual node: how many leaf nodes have how much room left (JSON: `[{nodes, free: {cpu, …}}]`). */
export const freeShapesAnnotation = 'kosmos.io/free-shapes'
/** Ours. Annotation of a virtual node: the same without the root's pods: how many leaf nodes could have how much room at most. */
export const emptyShapesAnnotation = 'kosmos.io/empty-shapes'
/** Ours. Annotation of a virtual node: the largest pod that one leaf node has room for (JSON: `{cpu, memory, …}`). */
export const largestPodAnnotation = 'kosmos.io/largest-pod'
/** Ours. Annotation of a node: the higher, the earlier it is filled; a virtual node has that of its Cluster. */
export const placementPriorityAnnotation = 'kosmos.io/placement-priority'

/** Ours. NoSchedule taint of a virtual node that its Cluster does not describe any more: it goes when it has no pods. */
export const retiringTaint = { key: 'kosmos.io/retiring', value: 'true', effect: 'NoSchedule' } as const
/** Ours. Annotation of a virtual node: which of its labels and taints are ours (JSON). */
export const nodeCarriesAnnotation = 'kosmos.io/node-carries'

/** Label of a leaf node that its owner offers for the one-to-one model, value `true`. */
export const joinLabel = 'kosmos.io/join'
/** Label of a node that connectivity checks leave out, value `true`. */
export const excludeLabel = 'kosmos.io/exclude'

/** Annotation of a Cluster; the value `root` marks the root cluster itself. */
export const clusterRoleAnnotation = 'kosmos.io/cluster-role'
export const rootClusterRole = 'root'
/** Label of a Cluster: several Clusters with one value are the same physical cluster. */
export const actualClusterNameLabel = 'kosmos.io/actual-cluster-name'

/** Ours. Label of everything written into a leaf: the root's id, the uid of its kube-system namespace. */
export const rootClusterLabel = 'kosmos.io/root-cluster'
/** Ours. Annotation of everything written into a leaf: the uid of the root object it is a copy of. */
export const rootUidAnnotation = 'kosmos.io/root-uid'
/** Ours. Annotation of a pod written into a leaf: the generation of the root pod whose spec it carries. */
export const rootGenerationAnnotation = 'kosmos.io/root-generation'
/** Ours. Annotation of a pod written into a leaf in place of one that was disrupted there: how often each container had started again (JSON). */
export const restartsAnnotation = 'kosmos.io/restarts'
/**
 * Ours. Annotation of a pod written into a leaf: the taints of a lost node that it bears as long as its root pod says (keys, with
 * commas); of the others the leaf says it.
 */
export const patienceAnnotation = 'kosmos.io/patience'
/** Ours. Annotation of a pod written into a leaf: which labels and annotations of the root pod it carries (JSON). */
export const rootMetadataAnnotation = 'kosmos.io/root-metadata'
/** Ours. Annotation of everything written into a leaf: the resourceVersion of the root object that it shows. */
export const rootResourceVersionAnnotation = 'kosmos.io/root-resource-version'
/** Ours. Annotation of a copy that somebody else had written to in the leaf, until its root object changes: who, and when it was made as in the root again. */
export const setRightAnnotation = 'kosmos.io/set-right'
/** Ours. Annotation of a copy: marks of the fields that it was written with, by which it is known when one is taken out. */
export const fieldsAnnotation = 'kosmos.io/fields'
/** Ours. Annotation of an EndpointSlice written into a leaf: a hash of the endpoints that it was written with. */
export const endpointsAnnotation = 'kosmos.io/endpoints'
/** Ours. Annotation of a copy that has another name than its root object, whose name was taken in the leaf: that object's name. */
export const rootNameAnnotation = 'kosmos.io/root-name'
/** Ours. Annotation of a pod written into a leaf that talks to the root's API server: the Secret with its tokens. */
export const tokenSecretAnnotation = 'kosmos.io/token-secret'
/** Ours. Annotation of the Secret with the tokens of one pod: when they are to be renewed (RFC 3339). */
export const tokenRenewalAnnotation = 'kosmos.io/token-renewal'
/** Ours. Annotation of the ConfigMap with the ClusterTrustBundles of one pod: a hash of what it holds. */
export const trustAnchorsAnnotation = 'kosmos.io/trust-anchors'
/** Ours. Annotation of the Secret with a certificate of one pod: when it is to be renewed (RFC 3339). */
export const certificateRenewalAnnotation = 'kosmos.io/certificate-renewal'
/** Ours. Label of a pod in a leaf whose root pod was lost when the root was restored from a snapshot, value `true`. It is kept. */
export const orphanLabel = 'kosmos.io/orphan'
/** Label of every pod written into a leaf, value `true`. */
export const podLabel = 'kosmos-io/pod'
/** Annotation of an object copied into a leaf, value `true`. */
export const globalAnnotation = 'kosmos.io/global'
/** Annotation of a copied ConfigMap, Secret, PersistentVolumeClaim or PersistentVolume: the Clusters that hold it. */
export const clusterOwnersAnnotation = 'kosmos-io/cluster-owners'
/** Annotation of a copied Secret: the service account it was made for. */
export const serviceAccountNameAnnotation = 'kosmos.io/service-account.name'

/** Annotation of a root pod: scheduling constraints (JSON) that mean the leaf's nodes. */
export const clusterSelectorAnnotation = 'kosmos.io/cluster-selector'
/** Ours. Annotation of a root pod: which API server it talks to, `leaf` or (default) `root`. */
export const apiServerAnnotation = 'kosmos.io/api-server'
/** Ours. Annotation of a root pod: what its tolerations were before it was held through the loss of its leaf (JSON). */
export const heldTolerationsAnnotation = 'kosmos.io/held-tolerations'
/** Ours. Value of the taint node.kubernetes.io/out-of-service that Failover sets; another value is somebody else's taint. */
export const failoverTaintValue = 'kosmos-failover'
/** Annotation of a root pod: a DaemonSet's pod may run on virtual nodes, value `true`. */
export const daemonsetAllowAnnotation = 'kosmos-io/daemonset-allow'
/** Ours. Scheduling gate of a root pod that waits for its place, see {@link workloadPolicyAnnotation}. */
export const placementGate = 'kosmos.io/placement'
/** Ours. Annotation of a root pod: the WorkloadPolicy by which it has its place. */
export const workloadPolicyAnnotation = 'kosmos.io/workload-policy'
/** Ours. Annotation of a root pod: which of the seats of its value of the topology key it has, counted from 1. */
export const seatAnnotation = 'kosmos.io/seat'
/** Ours. Annotation of a root pod: the value of the topology key that it asked for before it had its place, by its nodeSelector. */
export const askedPlaceAnnotation = 'kosmos.io/asked-place'
/** Ours. Annotation of a root pod: the deletion cost that it has from us; where {@link podDeletionCostAnnotation} is another, that is the user's. */
export const deletionCostAnnotation = 'kosmos.io/deletion-cost'
/** Ours. Annotation of a root pod: the node that had room for it when its gate was opened. */
export const roomAtAnnotation = 'kosmos.io/room-at'
/** Ours. Condition of a root pod: False while it is bound and the leaf's scheduler finds no node for it, with that one's words. */
export const leafScheduledCondition = 'kosmos.io/LeafScheduled'
/** Ours. Annotation of a root pod: the DistributionPolicy or ClusterDistributionPolicy that it goes by, and its term. */
export const distributionPolicyAnnotation = 'kosmos.io/distribution-policy'
/** Label of a root pod: the WorkloadPolicy that it asks for by name. */
export const workloadPolicyLabel = 'workload-policy/kosmos.io'
/** Ours. Label of a namespace of the root: with the value `tolerated` its pods may go to virtual nodes, DaemonSets' aside. */
export const virtualNodesLabel = 'kosmos.io/virtual-nodes'
/** Ours. Label of a namespace of the root: with the value {@link bestFit} its pods wait until one machine has room for them. */
export const placementLabel = 'kosmos.io/placement'
export const bestFit = 'best-fit'
/** Ours. Label of a policy that admission asks by a PolicyIndex instead of by itself, value `true`. */
export const indexedLabel = 'kosmos.io/indexed'
/** Ours. The names of PolicyIndexes: of a namespace for its own policies, in {@link systemNamespace} for those of the whole root. */
export const policyIndexNames = {
  WorkloadPolicy: 'workload-policies',
  DistributionPolicy: 'distribution-policies',
  ClusterDistributionPolicy: 'cluster-distribution-policies',
} as const
/** The scheduler that pods of the original's users ask for; here the stock one serves them. */
export const originalSchedulerName = 'kosmos-scheduler'

/** Ours. Label of everything that stands in a linked cluster for a Service exported by one: the root's id, the uid of its kube-system namespace. */
export const importedByLabel = 'kosmos.io/imported-by'
/** Annotation of a Service of a linked root, with any value: export it. */
export const autoCreateMcsAnnotation = 'kosmos.io/auto-create-mcs'

/** Ours. The provisioner of StorageClasses whose volumes are made by the leaf that a pod goes to, and the driver of such volumes. */
export const leafProvisioner = 'leaf.kosmos.io'
/** Ours. Annotation of a PersistentVolume that stands for one in a leaf: uid of the leaf's claim that has it. */
export const leafClaimAnnotation = 'kosmos.io/leaf-claim'
/** Ours. Annotation of such a PersistentVolume: name of the leaf's that has the data. */
export const leafVolumeAnnotation = 'kosmos.io/leaf-persistent-volume'
/** Ours. Finalizer of a PersistentVolume that stands for one in a leaf: that one is still to be dealt with. */
export const leafVolumeFinalizer = 'kosmos.io/leaf-volume'

/** Finalizer of a Cluster: its virtual nodes and its copies in the leaf are still to be removed. */
export const clusterFinalizer = 'kosmos.io/cluster-manager'
/** Ours. Finalizer of a Cluster: what ClusterLink has on its nodes is still to be removed. */
export const linkFinalizer = 'kosmos.io/cluster-link'
/** Ours. Label of a node of a linked cluster that its owner offers as a gateway, value `true`; without any, they are chosen. */
export const linkGatewayLabel = 'kosmos.io/link-gateway'

/** Ours. Annotation of a Cluster or ClusterNode: keys of its tunnels from before this time are changed; RFC 3339. */
export const rotateKeysAnnotation = 'kosmos.io/rotate-keys'

/** Kubernetes' own. Annotation of a pod: a ReplicaSet that shrinks deletes those of the lowest cost first. */
export const podDeletionCostAnnotation = 'controller.kubernetes.io/pod-deletion-cost'

/** Ours. Field managers of server-side apply, one a component. */
export const fieldManagers = {
  clusterLink: 'kosmos-cluster-link',
  clusterTree: 'kosmos-cluster-tree',
  linkAgent: 'kosmos-link-agent',
  kosmosctl: 'kosmos-kosmosctl',
  scheduler: 'kosmos-scheduler',
} as const

const virtualNodePrefix = 'kosmos-'
/** A node's name is also the value of its kubernetes.io/hostname label, and those end at 63 characters. */
const nodeNameMaxLength = 63
export const clusterNameMaxLength = nodeNameMaxLength - virtualNodePrefix.length

/** A Cluster cannot have this name, because `kosmos-<name>` is not a valid node name. */
export class InvalidClusterName extends Error {
  override name = 'InvalidClusterName'
}

/** As the API server checks names of custom resources and nodes. */
const dnsSubdomain = new RegExp(dnsSubdomainPattern)

/** What is wrong with a Cluster's name, if anything is. */
export function clusterNameProblem(clusterName: string): string | undefined {
  if (!dnsSubdomain.test(clusterName)) {
    return `"${clusterName}" is not an RFC 1123 subdomain: lower case letters, digits, '-' and '.', with a letter or digit at both ends`
  }
  if (clusterName.length > clusterNameMaxLength) {
    return `"${clusterName}" has ${clusterName.length} characters, at most ${clusterNameMaxLength} are possible: the virtual node is named ${virtualNodePrefix}<name> and node names end at ${nodeNameMaxLength} characters`
  }
  return undefined
}

/**
 * The node that stands for a whole Cluster: `kosmos-<name>`, never shortened.
 * @throws {InvalidClusterName} when that would not be a node name.
 */
export function virtualNodeName(clusterName: string): string {
  const problem = clusterNameProblem(clusterName)
  if (problem !== undefined) throw new InvalidClusterName(`Cluster name ${problem}`)
  return `${virtualNodePrefix}${clusterName}`
}

/** The node that stands for a group of leaf nodes. */
export function groupNodeName(group: string, count: number): string {
  return `${virtualNodePrefix}${group}-${count}`
}

/** Of the recommended labels of Kubernetes: who has made an object. */
export const managedByLabel = 'app.kubernetes.io/managed-by'
