import { type Manifest, rbac } from './manifest.ts'

/**
 * Lets an API server use its kubelets: for logs, exec and the like a kubelet asks whether the user of the API server's
 * client certificate may, and the role that upstream ships for it is bound to nobody.
 */
export function kubeletAccess(user = 'kube-apiserver-kubelet-client'): Manifest {
  return {
    resource: rbac.clusterRoleBindings,
    object: {
      metadata: { name: user },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'system:kubelet-api-admin' },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: user }],
    },
  }
}
