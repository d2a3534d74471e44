export const rbac = 'rbac.authorization.k8s.io/v1'

/** The account of a piece of software, bound to the ClusterRole of the same name. */
export const account = (name: string, namespace: string) => ({
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  metadata: { name, namespace },
})

export const accountBinding = (name: string, namespace: string) => ({
  apiVersion: rbac,
  kind: 'ClusterRoleBinding',
  metadata: { name },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
  subjects: [{ kind: 'ServiceAccount', name, namespace }],
})
