import type { ConfigMap, KubeObject, Node, Stored } from '@kosmos/kube'

/** KEP-1880, GA in Kubernetes 1.33. */
export interface ServiceCIDR extends Stored<KubeObject> {
  readonly spec: { readonly cidrs: readonly string[] }
}

/** What a network plug-in writes; nobody has checked it for us, so that anything may be missing or of another type. */
export interface PlugInObject extends Stored<KubeObject> {
  readonly spec?: Readonly<Record<string, unknown>> | null | undefined
}

/** The objects of a cluster that say which networks it has. */
export interface NetworkObjects {
  readonly nodes: readonly Node[]
  readonly serviceCIDRs: readonly ServiceCIDR[]
  /** Calico: `cidr`, `disabled`, `allowedUses`. */
  readonly ipPools: readonly PlugInObject[]
  /** Calico: that a block of a pool is a node's, by `cidr`, `node`, `state`, `deleted`, `type`. */
  readonly blockAffinities: readonly PlugInObject[]
  /** Calico: the addresses of a block that are in use on other nodes, as `slimIPAMBlock` keeps them. */
  readonly ipamBlocks: readonly PlugInObject[]
  /** Cilium: `ipam.podCIDRs`, and `ipam.pools.allocated[].cidrs` with several pools. */
  readonly ciliumNodes: readonly PlugInObject[]
  /** Those with settings of the cluster or its network plug-in. */
  readonly configMaps: readonly ConfigMap[]
}
