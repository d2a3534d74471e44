import { resource, serviceAccounts } from '@kosmos/kube'
import { type Manifest, rbac } from './manifest.ts'

const roles = resource('rbac.authorization.k8s.io/v1', 'Role', 'roles', 'Namespaced')
const roleBindings = resource('rbac.authorization.k8s.io/v1', 'RoleBinding', 'rolebindings', 'Namespaced')

/**
 * What external-provisioner and external-resizer may do: the rules of their deploy/kubernetes/rbac.yaml (v6.4, v2.3),
 * without those for snapshots, for attaching, and for other nodes than the provisioner's own.
 */
export function csiHostPathRights(namespace: string, name: string): Manifest[] {
  const subjects = [{ kind: 'ServiceAccount', name, namespace }]
  const roleRef = (kind: string) => ({ apiGroup: 'rbac.authorization.k8s.io', kind, name })
  return [
    { resource: serviceAccounts, object: { metadata: { name, namespace } } },
    { resource: rbac.clusterRoles, object: { metadata: { name }, rules: everywhere } },
    {
      resource: rbac.clusterRoleBindings,
      object: { metadata: { name }, roleRef: roleRef('ClusterRole'), subjects },
    },
    { resource: roles, object: { metadata: { name, namespace }, rules: inItsNamespace } },
    { resource: roleBindings, object: { metadata: { name, namespace }, roleRef: roleRef('Role'), subjects } },
  ]
}

const rule = (apiGroup: string, resource: string, ...verbs: string[]) => ({
  apiGroups: [apiGroup],
  resources: [resource],
  verbs,
})

const everywhere = [
  rule('', 'persistentvolumes', 'get', 'list', 'watch', 'create', 'patch', 'delete'),
  rule('', 'persistentvolumeclaims', 'get', 'list', 'watch', 'update'),
  rule('', 'persistentvolumeclaims/status', 'patch'),
  rule('', 'pods', 'get', 'list', 'watch'),
  rule('', 'events', 'list', 'watch', 'create', 'update', 'patch'),
  rule('storage.k8s.io', 'storageclasses', 'get', 'list', 'watch'),
  rule('storage.k8s.io', 'volumeattributesclasses', 'get', 'list', 'watch'),
]

const inItsNamespace = [
  rule('coordination.k8s.io', 'leases', 'get', 'watch', 'list', 'delete', 'update', 'create'),
  rule('storage.k8s.io', 'csistoragecapacities', 'get', 'list', 'watch', 'create', 'update', 'patch', 'delete'),
]
