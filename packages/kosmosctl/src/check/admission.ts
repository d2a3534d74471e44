import { systemNamespace } from '@kosmos/api'
import type { Client } from '@kosmos/kube'
import { mutatingAdmissionPolicies, mutatingWebhookConfigurations } from '../clusters/resources.ts'
import { ok, problem, skipped, type Verdict, warning } from '../findings/finding.ts'
import { servesAdmissionPolicies } from '../install/admission.ts'

/** Both are called so. */
const ref = { name: 'kosmos-placement' }

/** How pods come to wait for their place in a root. */
export interface AdmissionFacts {
  /** Whether it serves MutatingAdmissionPolicies. */
  readonly servesPolicies: boolean
  readonly hasPolicies: boolean
  /** How many webhooks the scheduler has told the API server of; undefined: there is no configuration for them. */
  readonly webhooks: number | undefined
}

export async function gatherAdmissionFacts(root: Client): Promise<AdmissionFacts> {
  const servesPolicies = await servesAdmissionPolicies(root)
  const policy = servesPolicies ? await root.get(mutatingAdmissionPolicies, ref) : undefined
  const configuration = await root.get(mutatingWebhookConfigurations, ref)
  const { webhooks = [] } = (configuration ?? {}) as { webhooks?: readonly unknown[] }
  return { servesPolicies, hasPolicies: policy !== undefined, webhooks: configuration && webhooks.length }
}

/** Pure. */
export function admissionVerdict({ servesPolicies, hasPolicies, webhooks }: AdmissionFacts): Verdict {
  const fix = 'kosmosctl install'
  if (hasPolicies) return ok('pods wait for their places by admission policies of the API server')
  if (servesPolicies && webhooks !== undefined) {
    return warning('the API server asks the scheduler about pods, and could decide by itself by now', fix)
  }
  if (webhooks === undefined)
    return skipped(`no pod waits for its place, and WorkloadPolicies have no effect, before ${fix}`)
  if (webhooks > 0)
    return ok('pods wait for their places by a webhook, since the root serves no MutatingAdmissionPolicy')
  return problem(
    'the root serves no MutatingAdmissionPolicy, and no scheduler has said which pods are to wait: WorkloadPolicies have no effect',
    `kubectl logs -n ${systemNamespace} deployment/scheduler`,
  )
}
