import type { Manifest } from './coredns.ts'

/**
 * Lets an API server use its kubelets: for logs, exec and the like a kubelet asks whether the user of the API server's
 * client certificate may, and the role that upstream ships for it is bound to nobody.
 */
export function kubeletAccess(user = 'kube-apiserver-kubelet-client'): Manifest {
  return {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name: 'kube-apiserver-kubelet-client' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'system:kubelet-api-admin' },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: user }],
  }
}
