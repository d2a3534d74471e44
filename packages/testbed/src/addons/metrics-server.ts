import { resource } from '@kosmos/kube'
import { type Manifest, rbac } from './manifest.ts'

export interface MetricsServerOptions {
  /** Where metrics-server listens; no loopback address, since endpoints must not be. */
  readonly address: string
  readonly port: number
  /** PEM of the CA of its serving certificate. */
  readonly ca: string
}

const namespace = 'kube-system'
const name = 'metrics-server'

/** Who metrics-server is in the cluster. */
export const metricsServerUser = 'metrics-server'

/** What the API server checks in its serving certificate. */
export const metricsServerHost = `${name}.${namespace}.svc`

const apiServices = resource('apiregistration.k8s.io/v1', 'APIService', 'apiservices', 'Cluster')
const services = resource('v1', 'Service', 'services', 'Namespaced')
const endpointSlices = resource('discovery.k8s.io/v1', 'EndpointSlice', 'endpointslices', 'Namespaced')
const roleBindings = resource('rbac.authorization.k8s.io/v1', 'RoleBinding', 'rolebindings', 'Namespaced')

/** metrics.k8s.io served by a process beside the cluster, with the rights of upstream's manifests (metrics-server v0.9). */
export function metricsServer({ address, port, ca }: MetricsServerOptions): Manifest[] {
  const subjects = [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: metricsServerUser }]
  const roleRef = (kind: 'ClusterRole' | 'Role', name: string) => ({
    apiGroup: 'rbac.authorization.k8s.io',
    kind,
    name,
  })
  return [
    {
      resource: rbac.clusterRoles,
      object: {
        metadata: { name: 'system:metrics-server' },
        rules: [
          { apiGroups: [''], resources: ['nodes/metrics'], verbs: ['get'] },
          { apiGroups: [''], resources: ['pods', 'nodes'], verbs: ['get', 'list', 'watch'] },
        ],
      },
    },
    {
      resource: rbac.clusterRoleBindings,
      object: {
        metadata: { name: 'system:metrics-server' },
        roleRef: roleRef('ClusterRole', 'system:metrics-server'),
        subjects,
      },
    },
    {
      resource: rbac.clusterRoleBindings,
      object: {
        metadata: { name: 'metrics-server:system:auth-delegator' },
        roleRef: roleRef('ClusterRole', 'system:auth-delegator'),
        subjects,
      },
    },
    {
      resource: roleBindings,
      object: {
        metadata: { name: 'metrics-server-auth-reader', namespace },
        roleRef: roleRef('Role', 'extension-apiserver-authentication-reader'),
        subjects,
      },
    },
    { resource: services, object: { metadata: { name, namespace }, spec: { ports: [{ name: 'https', port: 443 }] } } },
    {
      resource: endpointSlices,
      object: {
        metadata: { name, namespace, labels: { 'kubernetes.io/service-name': name } },
        addressType: 'IPv4',
        endpoints: [{ addresses: [address], conditions: { ready: true } }],
        ports: [{ name: 'https', port, protocol: 'TCP' }],
      },
    },
    {
      resource: apiServices,
      object: {
        metadata: { name: 'v1beta1.metrics.k8s.io' },
        spec: {
          group: 'metrics.k8s.io',
          version: 'v1beta1',
          groupPriorityMinimum: 100,
          versionPriority: 100,
          caBundle: Buffer.from(ca).toString('base64'),
          service: { name, namespace, port: 443 },
        },
      },
    },
  ]
}
