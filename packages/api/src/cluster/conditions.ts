import { type ConditionTable, conditionFrom, type NewCondition } from '../schema/condition.ts'

/** Every condition of a Cluster and every reason it can have. Nothing else writes conditions. */
export const clusterConditions = {
  /** Whether the leaf's API server answers. */
  Reachable: {
    LeafReachable: { status: 'True', message: "The leaf's API server answers" },
    LeafUnreachable: {
      status: 'False',
      message:
        "The leaf's API server does not answer; check the server address in the kubeconfig and the network between the root and it",
    },
    LeafNotReady: {
      status: 'False',
      message: "The leaf's API server answers, but says at /readyz that it is not ready",
    },
    CertificateNotTrusted: {
      status: 'False',
      message:
        "The certificate of the leaf's API server does not fit the kubeconfig; check its certificate authority and server name",
    },
    NoCredentials: { status: 'Unknown', message: 'Not tried for lack of credentials; see condition CredentialsValid' },
    Connecting: { status: 'Unknown', message: "The connection to the leaf's API server is being set up" },
    ClusterTreeDisabled: {
      status: 'Unknown',
      message: 'Not tried, because spec.clusterTreeOptions does not enable it',
    },
  },
  /** Whether the leaf accepts the credentials that the Cluster names. */
  CredentialsValid: {
    CredentialsAccepted: { status: 'True', message: 'The leaf accepts the credentials' },
    CredentialsMissing: {
      status: 'False',
      message: 'The Cluster has no credentials; set spec.credentialsSecretRef to a Secret with a kubeconfig',
    },
    SecretNotFound: {
      status: 'False',
      message: 'The Secret that spec.credentialsSecretRef names does not exist; create it or correct the reference',
    },
    SecretKeyMissing: {
      status: 'False',
      message: 'The Secret has no such key; put the kubeconfig under the key that spec.credentialsSecretRef.key names',
    },
    KubeconfigInvalid: { status: 'False', message: 'The kubeconfig cannot be read; replace it in the Secret' },
    KubeconfigNotSelfContained: {
      status: 'False',
      message:
        'The kubeconfig refers to files or commands of another machine; embed certificates and keys (kubectl config view --raw --flatten) or use a token',
    },
    CredentialsRejected: {
      status: 'False',
      message: 'The leaf does not know the credentials (401); renew them in the Secret, or join the cluster again',
    },
    CredentialsExpired: {
      status: 'False',
      message: 'The client certificate or token has expired; renew it in the Secret, or join the cluster again',
    },
    PermissionsMissing: {
      status: 'False',
      message:
        'The leaf knows the credentials but refuses what Kosmos needs (403); join the cluster again to renew its rights',
    },
    Unverified: { status: 'Unknown', message: "Unknown until the leaf's API server answers" },
    ClusterTreeDisabled: {
      status: 'Unknown',
      message: 'Not tried, because spec.clusterTreeOptions does not enable it',
    },
  },
  /** Whether ClusterLink connects the cluster with the others. */
  Linked: {
    Linked: { status: 'True', message: 'Every node has its tunnels, and the other ends answer' },
    NodesNotReady: {
      status: 'False',
      message:
        'Not every node has its tunnels, or the other ends do not answer; see kubectl get clusternodes, and kosmosctl link check',
    },
    AgentsSilent: {
      status: 'Unknown',
      message:
        'Agents on nodes are silent, so it is not known whether the tunnels there work; see kubectl get clusternodes, and the pods in kosmos-link of the cluster',
    },
    NetworksOverlap: {
      status: 'False',
      message:
        'Networks of the cluster are those of another one as well, so they are not reached from everywhere; map them with globalCIDRsMap in spec.clusterLinkOptions of both',
    },
    TunnelNetworksTaken: {
      status: 'False',
      message:
        'Addresses of tunnels are taken from a network that pods or Services have, so some of those are not reached; set bridgeCIDRs and localCIDRs in spec.clusterLinkOptions to networks that are free in every linked cluster',
    },
    KeysShared: {
      status: 'False',
      message:
        'Two nodes have the same key, as copies of one disk have, so that not both are reached by encrypted tunnels; on one of each two delete wireguard.key and ipsec.pem in /var/lib/kosmos/link, and the pod of its agent in kosmos-link, which makes new ones',
    },
    NetworksUnknown: {
      status: 'False',
      message:
        'It could not be found out which networks the pods and Services of the cluster have; set podCIDRs and serviceCIDRs in spec.clusterLinkOptions',
    },
    FamilyMissing: {
      status: 'False',
      message:
        'No pod network of the cluster is of the family that is to be linked, so nothing of it is reached; correct ipFamily in spec.clusterLinkOptions, or name the networks in podCIDRs',
    },
    ClusterLinkedTwice: {
      status: 'False',
      message: 'Another Cluster stands for the same cluster already, so this one is left out; delete one of the two',
    },
    LinkedByOtherRoot: {
      status: 'False',
      message:
        'Another root links the cluster already, so this one does nothing on its nodes and shares no Services with it; unlink it there, or delete this Cluster',
    },
    NoGateway: {
      status: 'False',
      message: 'No node can be a gateway, because none is Ready; see the nodes of the cluster',
    },
    CredentialsInvalid: {
      status: 'False',
      message: 'The cluster cannot be used without valid credentials; see spec.credentialsSecretRef',
    },
    ClusterUnreachable: {
      status: 'Unknown',
      message: "The cluster's API server does not answer. Its nodes go on with what they have",
    },
    KindMissing: {
      status: 'False',
      message: 'The cluster does not know the kind NodeConfig; run kosmosctl join with --link',
    },
    Connecting: { status: 'Unknown', message: 'The cluster is being looked at' },
    Leaving: { status: 'False', message: 'The tunnels of the cluster are being removed' },
  },
  /** Whether it is known which networks the cluster has, and from where. */
  NetworksFound: {
    NetworksFound: { status: 'True', message: 'It is known which networks the pods and Services have' },
    NothingFound: {
      status: 'False',
      message:
        'Nothing in the cluster says which networks its pods or Services have; set podCIDRs and serviceCIDRs in spec.clusterLinkOptions',
    },
    NodesUnknown: {
      status: 'False',
      message:
        'Nothing in the cluster says which networks the pods of single nodes have, as P2P needs it; set networkType to gateway in spec.clusterLinkOptions',
    },
    NetworksLeftOut: {
      status: 'False',
      message:
        'A node has more networks of pods than a ClusterNode has room for, mostly single addresses of other nodes; in P2P, pods with the others are not reached. Give the pool more room, or forbid borrowing (strictAffinity in Calico)',
    },
    RightsMissing: {
      status: 'False',
      message:
        'What says which networks the cluster has may not be read; join the cluster again with --link to renew the rights',
    },
    NetworksInvalid: {
      status: 'False',
      message:
        'What is given as a network is none, and is left out; correct it, or set podCIDRs and serviceCIDRs in spec.clusterLinkOptions',
    },
    Contradicting: {
      status: 'False',
      message:
        'What is said of the networks does not fit together; correct one of the two, name the network plug-in by cni, or set podCIDRs and serviceCIDRs in spec.clusterLinkOptions',
    },
  },
  /** Whether ClusterLinkPolicies count; said of a linked cluster where they did not. */
  PoliciesFollowed: {
    PoliciesFollowed: { status: 'True', message: 'The ClusterLinkPolicies of the root say who may talk with whom' },
    KindMissing: {
      status: 'False',
      message:
        'The root does not know the kind ClusterLinkPolicy, so all linked clusters may talk with each other; run kosmosctl install again',
    },
    RightsMissing: {
      status: 'False',
      message:
        'The ClusterLinkPolicies of the root may not be read, so nothing of the network is changed; run kosmosctl install again to renew the rights',
    },
  },
  /** Whether the virtual nodes of the Cluster exist and are Ready. */
  VirtualNodesReady: {
    VirtualNodesReady: { status: 'True', message: 'All virtual nodes are Ready' },
    Starting: { status: 'False', message: 'The virtual nodes are being set up' },
    LeafUnreachable: { status: 'False', message: 'The leaf cannot be reached; see condition Reachable' },
    CredentialsInvalid: { status: 'False', message: 'The leaf cannot be used; see condition CredentialsValid' },
    NoReadyLeafNode: { status: 'False', message: 'A virtual node has no leaf node that is Ready' },
    LeafTooOld: {
      status: 'False',
      message: "The leaf's Kubernetes version is older than what Kosmos supports; upgrade the leaf",
    },
    LeafIsRoot: {
      status: 'False',
      message:
        'The kubeconfig leads to the root itself; a cluster cannot be its own leaf. Correct the credentials, or annotate the Cluster with kosmos.io/cluster-role=root',
    },
    LeafAlreadyJoined: {
      status: 'False',
      message: 'Another Cluster stands for the same leaf already; delete one of the two',
    },
    LeafReplaced: {
      status: 'False',
      message:
        'The credentials lead to another cluster than the one that the virtual node stands for, so nothing is done with either. Correct the credentials, or give the Cluster up (kosmosctl unjoin --force) and join the new one',
    },
    NodeNameTaken: {
      status: 'False',
      message:
        'A node of the same name exists in the root and is not ours; rename the Cluster, or delete the node if nobody needs it',
    },
    NodeRefused: { status: 'False', message: 'The root refused to store the virtual node' },
    LeafModelsOverlap: {
      status: 'False',
      message:
        'A leaf node may be part of one virtual node only, so spec.clusterTreeOptions.leafModels is not taken up and the virtual nodes stay as they are. Make the selectors exclude each other',
    },
    LeafNodeNotFound: {
      status: 'False',
      message: 'A leaf model names a node that the leaf does not have; correct spec.clusterTreeOptions.leafModels',
    },
    Leaving: { status: 'False', message: 'The Cluster is being deleted; its pods and virtual nodes are being removed' },
    ClusterTreeDisabled: { status: 'False', message: 'spec.clusterTreeOptions does not enable virtual nodes' },
  },
} as const satisfies ConditionTable

export type ClusterConditionType = keyof typeof clusterConditions
export type ClusterConditionReason<T extends ClusterConditionType> = keyof (typeof clusterConditions)[T] & string

/**
 * A condition with the status and sentence of its reason.
 * @param detail what the sentence cannot know, such as the error; never a secret.
 */
export function clusterCondition<T extends ClusterConditionType>(
  type: T,
  reason: ClusterConditionReason<T>,
  options: { readonly detail?: string; readonly observedGeneration?: number } = {},
): NewCondition {
  return conditionFrom(clusterConditions, type, reason, options)
}
