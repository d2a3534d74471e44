import {
  apiVersionOf,
  configMaps,
  csiDrivers,
  customResourceDefinitions,
  namespaces,
  type Resource,
  secrets,
  serviceAccounts,
} from '@kosmos/kube'
import {
  clusterRoleBindings,
  clusterRoles,
  clusters,
  daemonSets,
  deployments,
  type Manifest,
  mutatingAdmissionPolicies,
  mutatingAdmissionPolicyBindings,
  mutatingWebhookConfigurations,
  podDisruptionBudgets,
  roleBindings,
  roles,
  services,
  validatingAdmissionPolicies,
  validatingAdmissionPolicyBindings,
} from './resources.ts'

const known: readonly Resource[] = [
  namespaces,
  serviceAccounts,
  configMaps,
  secrets,
  services,
  clusterRoles,
  clusterRoleBindings,
  roles,
  roleBindings,
  daemonSets,
  deployments,
  podDisruptionBudgets,
  validatingAdmissionPolicies,
  validatingAdmissionPolicyBindings,
  customResourceDefinitions,
  csiDrivers,
  mutatingAdmissionPolicies,
  mutatingAdmissionPolicyBindings,
  mutatingWebhookConfigurations,
  clusters,
]

/** Where a manifest's kind lives in the API. Throws TypeError for kinds that we do not deliver. */
export function resourceOf(manifest: Manifest): Resource {
  const found = known.find(
    (resource) => resource.kind === manifest.kind && apiVersionOf(resource) === manifest.apiVersion,
  )
  if (found === undefined) throw new TypeError(`no resource for ${manifest.apiVersion} ${manifest.kind}`)
  return found
}
