import { type KubeObject, type Resource, resource } from '@kosmos/kube'

/** An object together with where it lives in the API. */
export interface Manifest {
  readonly resource: Resource
  readonly object: KubeObject & Readonly<Record<string, unknown>>
}

const rbacVersion = 'rbac.authorization.k8s.io/v1'

export const rbac = {
  clusterRoles: resource(rbacVersion, 'ClusterRole', 'clusterroles', 'Cluster'),
  clusterRoleBindings: resource(rbacVersion, 'ClusterRoleBinding', 'clusterrolebindings', 'Cluster'),
} as const
