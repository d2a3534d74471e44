import { placementGate } from '@kosmos/api'
import { ApiError, type Client, isGone, keyOf, pods } from '@kosmos/kube'
import { isGated, openPatch } from '@kosmos/scheduler'
import { type Manifest, mutatingAdmissionPolicies, mutatingWebhookConfigurations } from '../clusters/resources.ts'
import { Failure } from '../terminal/failure.ts'

const { group, version, plural } = mutatingAdmissionPolicies

/** Whether pods can be gated: MutatingAdmissionPolicies are served from Kubernetes 1.36 on (KEP-3962). */
export async function servesAdmissionPolicies(root: Client): Promise<boolean> {
  try {
    const list = (await root.raw(`/apis/${group}/${version}`)) as { resources: { name: string }[] }
    return list.resources.some(({ name }) => name === plural)
  } catch (error) {
    if (error instanceof ApiError && error.code === 404) return false
    throw error
  }
}

/** Whether a root needs a manifest: one that serves MutatingAdmissionPolicies has no use for the webhook, and the other way round. */
export function isFor(hasPolicies: boolean, { kind, metadata }: Manifest): boolean {
  if (kind?.startsWith(mutatingAdmissionPolicies.kind)) return hasPolicies
  const isWebhook = kind === mutatingWebhookConfigurations.kind || metadata?.name === 'scheduler-webhook'
  return !isWebhook || !hasPolicies
}

/** Lets pods go that wait for a place, since nobody will give them one. Returns their keys. */
export async function openGates(root: Client): Promise<string[]> {
  const opened: string[] = []
  for (const pod of await root.listAll(pods)) {
    if (!isGated(pod)) continue
    const outcome = await root.patch(pods, pod.metadata, openPatch(pod, undefined), { type: 'strategic' })
    if (outcome.ok) opened.push(keyOf(pod))
    else if (!isGone(outcome)) {
      throw new Failure(`pod ${keyOf(pod)} still has the gate ${placementGate}: ${outcome.status.message}`, {
        next: 'run uninstall again as somebody who may patch pods; until then it is not scheduled',
      })
    }
  }
  return opened
}
