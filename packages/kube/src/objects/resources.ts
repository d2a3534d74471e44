import type {
  CertificateSigningRequest,
  ClusterTrustBundle,
  ConfigMap,
  CoreEvent,
  CSIDriver,
  CSINode,
  CSIStorageCapacity,
  CustomResourceDefinition,
  EndpointSlice,
  Event,
  KubeObject,
  Lease,
  Namespace,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  PodCertificateRequest,
  Secret,
  SelfSubjectAccessReview,
  Service,
  ServiceAccount,
  StorageClass,
} from './types.ts'

/** Where a kind lives in the API. `T` is the type of its objects as an API server returns them. */
export interface Resource<T extends KubeObject = KubeObject> {
  /** '' for the core group. */
  readonly group: string
  readonly version: string
  readonly kind: string
  /** Plural lower-case name, as in URLs. */
  readonly plural: string
  readonly namespaced: boolean
  /** Never set: carries the object type. */
  readonly objectType?: T
}

/** Declares a resource; `apiVersion` as in a manifest (`v1`, `apps/v1`). */
export function resource<T extends KubeObject>(
  apiVersion: string,
  kind: string,
  plural: string,
  scope: 'Namespaced' | 'Cluster',
): Resource<T> {
  const slash = apiVersion.indexOf('/')
  return {
    group: slash < 0 ? '' : apiVersion.slice(0, slash),
    version: apiVersion.slice(slash + 1),
    kind,
    plural,
    namespaced: scope === 'Namespaced',
  }
}

/** `v1` or `group/v1`, as manifests write it. */
export function apiVersionOf(resource: Resource): string {
  return resource.group === '' ? resource.version : `${resource.group}/${resource.version}`
}

export const pods = resource<Pod>('v1', 'Pod', 'pods', 'Namespaced')
export const nodes = resource<Node>('v1', 'Node', 'nodes', 'Cluster')
export const namespaces = resource<Namespace>('v1', 'Namespace', 'namespaces', 'Cluster')
export const configMaps = resource<ConfigMap>('v1', 'ConfigMap', 'configmaps', 'Namespaced')
export const secrets = resource<Secret>('v1', 'Secret', 'secrets', 'Namespaced')
export const persistentVolumes = resource<PersistentVolume>('v1', 'PersistentVolume', 'persistentvolumes', 'Cluster')
export const persistentVolumeClaims = resource<PersistentVolumeClaim>(
  'v1',
  'PersistentVolumeClaim',
  'persistentvolumeclaims',
  'Namespaced',
)
export const storageClasses = resource<StorageClass>('storage.k8s.io/v1', 'StorageClass', 'storageclasses', 'Cluster')
export const csiDrivers = resource<CSIDriver>('storage.k8s.io/v1', 'CSIDriver', 'csidrivers', 'Cluster')
export const csiNodes = resource<CSINode>('storage.k8s.io/v1', 'CSINode', 'csinodes', 'Cluster')
export const csiStorageCapacities = resource<CSIStorageCapacity>(
  'storage.k8s.io/v1',
  'CSIStorageCapacity',
  'csistoragecapacities',
  'Namespaced',
)
export const services = resource<Service>('v1', 'Service', 'services', 'Namespaced')
export const endpointSlices = resource<EndpointSlice>(
  'discovery.k8s.io/v1',
  'EndpointSlice',
  'endpointslices',
  'Namespaced',
)
export const serviceAccounts = resource<ServiceAccount>('v1', 'ServiceAccount', 'serviceaccounts', 'Namespaced')
export const leases = resource<Lease>('coordination.k8s.io/v1', 'Lease', 'leases', 'Namespaced')
export const events = resource<Event>('events.k8s.io/v1', 'Event', 'events', 'Namespaced')
export const coreEvents = resource<CoreEvent>('v1', 'Event', 'events', 'Namespaced')
export const certificateSigningRequests = resource<CertificateSigningRequest>(
  'certificates.k8s.io/v1',
  'CertificateSigningRequest',
  'certificatesigningrequests',
  'Cluster',
)
export const clusterTrustBundles = resource<ClusterTrustBundle>(
  'certificates.k8s.io/v1',
  'ClusterTrustBundle',
  'clustertrustbundles',
  'Cluster',
)
/** The same, as API servers before 1.37 have it. */
export const clusterTrustBundlesV1beta1 = resource<ClusterTrustBundle>(
  'certificates.k8s.io/v1beta1',
  'ClusterTrustBundle',
  'clustertrustbundles',
  'Cluster',
)
export const podCertificateRequests = resource<PodCertificateRequest>(
  'certificates.k8s.io/v1',
  'PodCertificateRequest',
  'podcertificaterequests',
  'Namespaced',
)
export const customResourceDefinitions = resource<CustomResourceDefinition>(
  'apiextensions.k8s.io/v1',
  'CustomResourceDefinition',
  'customresourcedefinitions',
  'Cluster',
)
export const selfSubjectAccessReviews = resource<SelfSubjectAccessReview>(
  'authorization.k8s.io/v1',
  'SelfSubjectAccessReview',
  'selfsubjectaccessreviews',
  'Cluster',
)
