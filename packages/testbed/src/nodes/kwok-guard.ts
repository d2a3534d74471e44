import { resource } from '@kosmos/kube'
import type { Manifest } from '../addons/manifest.ts'

const version = 'admissionregistration.k8s.io/v1'
const policies = resource(version, 'ValidatingAdmissionPolicy', 'validatingadmissionpolicies', 'Cluster')
const bindings = resource(version, 'ValidatingAdmissionPolicyBinding', 'validatingadmissionpolicybindings', 'Cluster')

/**
 * Lets kwok remove only pods that somebody deletes. It names the pod but not its uid (upstream pkg/kwok/controllers/pod_controller.go),
 * so when it is late it hits the next pod of that name; a kubelet sends the uid.
 */
export function kwokGuard(user = 'kwok'): Manifest[] {
  const metadata = { name: 'kwok-removes-deleted-pods-only' }
  return [
    {
      resource: policies,
      object: {
        metadata,
        spec: {
          matchConstraints: {
            resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['DELETE'], resources: ['pods'] }],
          },
          matchConditions: [{ name: 'by-kwok', expression: `request.userInfo.username == '${user}'` }],
          validations: [
            {
              expression: 'has(oldObject.metadata.deletionTimestamp)',
              message: 'nobody has deleted this pod: kwok means an earlier one of the same name',
            },
          ],
        },
      },
    },
    {
      resource: bindings,
      object: { metadata, spec: { policyName: metadata.name, validationActions: ['Deny'] } },
    },
  ]
}
