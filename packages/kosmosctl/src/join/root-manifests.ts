import {
  apiVersion,
  type ClusterManifest,
  clusterLabel,
  clusterRoleAnnotation,
  type LeafModel,
  rootClusterRole,
  systemNamespace,
} from '@kosmos/api'
import {
  credentialsSecretName,
  kubeconfigKey,
  leafAccountAnnotation,
  leafIdAnnotation,
  managedBy,
  managedByLabel,
} from '../clusters/names.ts'
import type { Manifest } from '../clusters/resources.ts'
import { partOf } from '../install/manifests.ts'

/** The namespace in the root, as install makes it. Pure. */
export function rootNamespace(): Manifest {
  const labels = { [partOf.label]: partOf.value }
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name: systemNamespace, labels } }
}

/** The Secret in the root by which the controllers reach the leaf. Pure. */
export function credentialsSecret(cluster: string, kubeconfig: string): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: credentialsSecretName(cluster),
      namespace: systemNamespace,
      labels: { [managedByLabel]: managedBy, [clusterLabel]: cluster },
    },
    type: 'Opaque',
    data: { [kubeconfigKey]: Buffer.from(kubeconfig).toString('base64') },
  }
}

/** The same Secret without credentials: it says whose the name is. Pure. */
export function claimSecret(cluster: string, leafId: string): Manifest {
  const { data: _, ...secret } = credentialsSecret(cluster, '') as Manifest & { data?: unknown }
  return { ...secret, metadata: { ...secret.metadata, annotations: { [leafIdAnnotation]: leafId } } } as Manifest
}

/** What is said of ClusterLink; what is not stays as it is. */
export interface LinkChoices {
  /** Default: true. */
  readonly enable?: boolean
  readonly networkType?: 'p2p' | 'gateway'
  readonly tunnel?: 'vxlan' | 'wireguard' | 'ipsec'
  readonly ipFamily?: 'all' | 'ipv4' | 'ipv6'
}

/** What is said of the Cluster. */
export interface ClusterChoices {
  /** Whether it has virtual nodes. Default: true. */
  readonly tree?: boolean | undefined
  /** Undefined: nothing is said of ClusterLink. */
  readonly link?: LinkChoices | undefined
  readonly rootAPIServer?: string | undefined
  /** Undefined: nothing is said. Empty: one for the whole leaf, whoever has said otherwise before. */
  readonly leafModels?: readonly LeafModel[] | undefined
}

/** The Cluster that join creates in the root. Pure. */
export function clusterManifest(
  name: string,
  leaf: { readonly id: string; readonly account: string },
  { rootAPIServer, leafModels, tree = true, link }: ClusterChoices = {},
): ClusterManifest & Manifest {
  const annotations = { [leafIdAnnotation]: leaf.id, [leafAccountAnnotation]: leaf.account }
  return clusterOf(name, annotations, {
    credentialsSecretRef: { namespace: systemNamespace, name: credentialsSecretName(name), key: kubeconfigKey },
    clusterTreeOptions: {
      enable: tree,
      ...(rootAPIServer !== undefined && { rootAPIServer }),
      ...(leafModels !== undefined && { leafModels: [...leafModels] }),
    },
    ...(link && { clusterLinkOptions: { enable: true, ...link } }),
  })
}

/** The Cluster that stands for the root itself: it has no credentials, and no virtual nodes. Pure. */
export function linkedRootManifest(
  name: string,
  rootId: string,
  link: LinkChoices | undefined,
): ClusterManifest & Manifest {
  const annotations = { [leafIdAnnotation]: rootId, [clusterRoleAnnotation]: rootClusterRole }
  return clusterOf(name, annotations, {
    clusterTreeOptions: { enable: false },
    clusterLinkOptions: { enable: true, ...link },
  })
}

function clusterOf(
  name: string,
  annotations: Readonly<Record<string, string>>,
  spec: ClusterManifest['spec'],
): ClusterManifest & Manifest {
  const metadata = { name, labels: { [managedByLabel]: managedBy }, annotations }
  return { apiVersion, kind: 'Cluster', metadata, spec }
}
