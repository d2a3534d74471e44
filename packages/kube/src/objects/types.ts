import type {
  CoreV1Event,
  EventsV1Event,
  V1beta1ClusterTrustBundle,
  V1beta1PodCertificateRequest,
  V1CertificateSigningRequest,
  V1ConfigMap,
  V1CSIDriver,
  V1CSINode,
  V1CSIStorageCapacity,
  V1CustomResourceDefinition,
  V1EndpointSlice,
  V1Lease,
  V1Namespace,
  V1Node,
  V1ObjectMeta,
  V1PersistentVolume,
  V1PersistentVolumeClaim,
  V1Pod,
  V1PodSpec,
  V1PodStatus,
  V1Secret,
  V1SelfSubjectAccessReview,
  V1Service,
  V1ServiceAccount,
  V1StorageClass,
  V1TokenRequestSpec,
} from '@kubernetes/client-node'

/**
 * T as JSON on the wire: dates are RFC 3339 strings, everything is read-only because objects are shared with caches.
 * Nothing is deserialised per type, so this is what `decode` returns.
 */
export type Wire<T> = T extends Date ? string : T extends object ? { readonly [K in keyof T]: Wire<T[K]> } : T

/** T without `readonly`, for building an object step by step; take one with `structuredClone`. */
export type Draft<T> = T extends object ? { -readonly [K in keyof T]: Draft<T[K]> } : T

/** What every object has, whichever its kind. */
export interface KubeObject {
  readonly apiVersion?: string
  readonly kind?: string
  readonly metadata?: Wire<Omit<V1ObjectMeta, 'managedFields'>>
}

/** An object that an API server returned: it has a name, a uid and a resourceVersion. */
export type Stored<T> = Wire<T> & {
  readonly metadata: { readonly name: string; readonly uid: string; readonly resourceVersion: string }
}

export type Pod = Stored<V1Pod> & {
  readonly spec: PodSpec
  readonly status?: PodStatus
  readonly metadata: { readonly namespace: string }
}
/** With what Kubernetes 1.37 has, and the generated types not yet. */
export type PodSpec = Wire<V1PodSpec> & {
  /** KEP-4563 */
  readonly evictionResponders?: readonly { readonly name: string; readonly priority: number }[]
}
export type PodStatus = Wire<V1PodStatus> & {
  /** What CSI drivers say of the pod's volumes, by the volume's name. */
  readonly volumeHealth?: readonly { readonly name: string }[]
}
export type Node = Stored<V1Node>
export type Lease = Stored<V1Lease>
export type Namespace = Stored<V1Namespace>
export type ConfigMap = Stored<V1ConfigMap>
export type Secret = Stored<V1Secret>
export type PersistentVolume = Stored<V1PersistentVolume>
export type PersistentVolumeClaim = Stored<V1PersistentVolumeClaim>
/** As it is answered. */
export interface TokenRequest {
  readonly status: { readonly token: string; readonly expirationTimestamp: string }
}
export type TokenRequestSpec = Partial<Wire<V1TokenRequestSpec>>
export type StorageClass = Stored<V1StorageClass>
export type CSIDriver = Stored<V1CSIDriver>
export type CSINode = Stored<V1CSINode>
export type CSIStorageCapacity = Stored<V1CSIStorageCapacity>
export type Service = Stored<V1Service>
/** The same in v1, of which the client has no type yet. */
export type ClusterTrustBundle = Stored<V1beta1ClusterTrustBundle>
/** In v1, of which the client has no type yet. */
export type PodCertificateRequest = Stored<V1beta1PodCertificateRequest>
export type EndpointSlice = Stored<V1EndpointSlice>
export type ServiceAccount = Stored<V1ServiceAccount>
export type Event = Stored<EventsV1Event>
/** The same objects by the older API, which `kubectl describe` reads and kubelets write. */
export type CoreEvent = Stored<CoreV1Event>
export type CertificateSigningRequest = Stored<V1CertificateSigningRequest>
export type SelfSubjectAccessReview = Wire<V1SelfSubjectAccessReview>
export type CustomResourceDefinition = Stored<V1CustomResourceDefinition>
