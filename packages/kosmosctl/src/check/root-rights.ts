import { clusterKind, systemNamespace } from '@kosmos/api'
import type { Client, Resource } from '@kosmos/kube'
import { certificateSigningRequests, configMaps, customResourceDefinitions, leases, nodes } from '@kosmos/kube'
import {
  clusters,
  deployments,
  mutatingAdmissionPolicies,
  mutatingWebhookConfigurations,
} from '../clusters/resources.ts'
import { describeRight, missingRights, type Right } from '../clusters/rights.ts'
import { problem, type Verdict } from '../findings/finding.ts'

const may = (verb: string, { group, plural: resource }: Resource, namespace?: string): Right => ({
  verb,
  resource,
  ...(group && { group }),
  ...(namespace !== undefined && { namespace }),
})

/** What somebody needs to be allowed in the root who wants to know what is wrong with it. */
const rights: readonly Right[] = [
  may('list', nodes),
  may('list', clusters),
  { ...may('get', customResourceDefinitions), name: `${clusterKind.plural}.${clusterKind.group}` },
  may('get', deployments, systemNamespace),
  may('get', leases, systemNamespace),
  may('get', leases, 'kube-node-lease'),
  may('list', certificateSigningRequests),
  may('get', mutatingAdmissionPolicies),
  may('get', mutatingWebhookConfigurations),
  may('get', configMaps, 'kube-system'),
]

/** Names all rights that are missing, when the root has refused something for want of one. */
export async function rightsVerdict(root: Client, refusal: Error): Promise<Verdict> {
  const missing = await missingRights(root, rights)
  return problem(
    missing.length > 0
      ? `your credentials may not ${missing.map(describeRight).join(', ')} in the root, so nothing more was looked at`
      : refusal.message,
    'use a kubeconfig of an administrator of the root, or have these rights granted',
  )
}
