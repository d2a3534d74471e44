import { apiVersion, type Cluster, clusterKind } from '@kosmos/api'
import { type KubeObject, resource, type Stored } from '@kosmos/kube'

/** An object as it is written in a manifest. */
export interface Manifest extends KubeObject {
  readonly [field: string]: unknown
}

export const clusters = resource<Cluster & Stored<KubeObject>>(
  apiVersion,
  clusterKind.kind,
  clusterKind.plural,
  clusterKind.scope,
)

const rbac = 'rbac.authorization.k8s.io/v1'
export const clusterRoles = resource<Stored<KubeObject>>(rbac, 'ClusterRole', 'clusterroles', 'Cluster')
export const clusterRoleBindings = resource<Stored<KubeObject>>(
  rbac,
  'ClusterRoleBinding',
  'clusterrolebindings',
  'Cluster',
)
export const roles = resource<Stored<KubeObject>>(rbac, 'Role', 'roles', 'Namespaced')
export const roleBindings = resource<Stored<KubeObject>>(rbac, 'RoleBinding', 'rolebindings', 'Namespaced')

export interface Deployment extends Stored<KubeObject> {
  readonly spec: {
    readonly replicas?: number
    readonly template: { readonly spec: { readonly containers: readonly { readonly image: string }[] } }
  }
  readonly status?: {
    readonly observedGeneration?: number
    readonly replicas?: number
    readonly updatedReplicas?: number
    readonly readyReplicas?: number
    readonly availableReplicas?: number
    readonly conditions?: readonly { readonly type: string; readonly reason?: string; readonly message?: string }[]
  }
}
export const deployments = resource<Deployment>('apps/v1', 'Deployment', 'deployments', 'Namespaced')
export const podDisruptionBudgets = resource('policy/v1', 'PodDisruptionBudget', 'poddisruptionbudgets', 'Namespaced')
const admission = 'admissionregistration.k8s.io/v1'
export const mutatingAdmissionPolicies = resource<Stored<KubeObject>>(
  admission,
  'MutatingAdmissionPolicy',
  'mutatingadmissionpolicies',
  'Cluster',
)
export const mutatingAdmissionPolicyBindings = resource<Stored<KubeObject>>(
  admission,
  'MutatingAdmissionPolicyBinding',
  'mutatingadmissionpolicybindings',
  'Cluster',
)
export const mutatingWebhookConfigurations = resource<Stored<KubeObject>>(
  admission,
  'MutatingWebhookConfiguration',
  'mutatingwebhookconfigurations',
  'Cluster',
)
export const daemonSets = resource<Stored<KubeObject>>('apps/v1', 'DaemonSet', 'daemonsets', 'Namespaced')
export const validatingAdmissionPolicies = resource<Stored<KubeObject>>(
  admission,
  'ValidatingAdmissionPolicy',
  'validatingadmissionpolicies',
  'Cluster',
)
export const validatingAdmissionPolicyBindings = resource<Stored<KubeObject>>(
  admission,
  'ValidatingAdmissionPolicyBinding',
  'validatingadmissionpolicybindings',
  'Cluster',
)
export const services = resource('v1', 'Service', 'services', 'Namespaced')
