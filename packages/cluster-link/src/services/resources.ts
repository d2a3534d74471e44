import type { Condition } from '@kosmos/api'
import { type KubeObject, resource, type Stored } from '@kosmos/kube'

/** The Multi-Cluster Services API (KEP-1645, sigs.k8s.io/mcs-api v0.5), in the version that stock CoreDNS watches. */
const mcsApiVersion = 'multicluster.x-k8s.io/v1alpha1'

export interface ServiceExport extends Stored<KubeObject> {
  readonly status?: { readonly conditions?: readonly Condition[] }
}

export interface ImportPort {
  readonly name?: string
  readonly protocol?: string
  readonly appProtocol?: string
  readonly port: number
}

export interface ServiceImportSpec {
  readonly type: 'ClusterSetIP' | 'Headless'
  readonly ips?: readonly string[]
  readonly ports: readonly ImportPort[]
  readonly ipFamilies?: readonly string[]
  readonly sessionAffinity?: string
  readonly sessionAffinityConfig?: { readonly clientIP?: { readonly timeoutSeconds?: number } }
}

export interface ServiceImport extends Stored<KubeObject> {
  readonly spec: ServiceImportSpec
  readonly status?: {
    readonly clusters?: readonly { readonly cluster: string }[]
    readonly conditions?: readonly Condition[]
  }
}

export const serviceExports = resource<ServiceExport>(mcsApiVersion, 'ServiceExport', 'serviceexports', 'Namespaced')
export const serviceImports = resource<ServiceImport>(mcsApiVersion, 'ServiceImport', 'serviceimports', 'Namespaced')

/** Labels of an imported EndpointSlice, by which CoreDNS finds it: of which ServiceImport, and from which cluster. */
export const importNameLabel = 'multicluster.kubernetes.io/service-name'
export const sourceClusterLabel = 'multicluster.kubernetes.io/source-cluster'
