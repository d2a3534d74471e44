import { setTimeout as sleep } from 'node:timers/promises'
import { placementGate } from '@kosmos/api'
import { ApiError, type Client, isGone, type KubeObject, keyOf, pods } from '@kosmos/kube'
import { isGated, openPatch } from '@kosmos/scheduler'
import { mutatingAdmissionPolicies, mutatingWebhookConfigurations } from '../clusters/resources.ts'
import { Failure } from '../terminal/failure.ts'

const { group, version, plural } = mutatingAdmissionPolicies

/** Whether pods can be gated by policies: MutatingAdmissionPolicies are served from Kubernetes 1.36 on (KEP-3962). */
export async function servesAdmissionPolicies(root: Client): Promise<boolean> {
  try {
    const list = (await root.raw(`/apis/${group}/${version}`)) as { resources: { name: string }[] }
    return list.resources.some(({ name }) => name === plural)
  } catch (error) {
    if (error instanceof ApiError && error.code === 404) return false
    throw error
  }
}

/** Only for roots before Kubernetes 1.36: the webhook, and the right to ask for tokens without constrained impersonation (KEP-5284). */
const olderOnly = ['scheduler-webhook', 'kosmos-clustertree-tokens']

/** Whether a root needs a manifest: one that serves MutatingAdmissionPolicies has no use for what stands in for younger parts of it. */
export function isFor(hasPolicies: boolean, { kind, metadata }: Pick<KubeObject, 'kind' | 'metadata'>): boolean {
  if (kind?.startsWith(mutatingAdmissionPolicies.kind)) return hasPolicies
  const isOlder = kind === mutatingWebhookConfigurations.kind || olderOnly.includes(metadata?.name ?? '')
  return !isOlder || !hasPolicies
}

/** Every so often it is looked for gates that have come late. */
const LOOK_AGAIN_MS = 1_000
/**
 * So long none has to come before it is over: each API server hears by a watch of its own that pods are gated no more, and a pod that it
 * had gated may still be on its way through admission.
 */
const LATE_MS = 5_000

/** Lets pods go that wait for a place, since nobody will give them one, also those that come late. Returns their keys; a dry run opens none, and finds those of now. */
export async function openGates(root: Client, dryRun: boolean): Promise<string[]> {
  if (dryRun) return await openAll(root, { dryRun })
  const opened: string[] = []
  for (let openedAt = performance.now(); performance.now() - openedAt < LATE_MS; await sleep(LOOK_AGAIN_MS)) {
    const found = await openAll(root, { dryRun })
    if (found.length > 0) openedAt = performance.now()
    opened.push(...found)
  }
  return opened
}

async function openAll(root: Client, { dryRun }: { readonly dryRun: boolean }): Promise<string[]> {
  const opened: string[] = []
  for (const pod of await root.listAll(pods, { fieldSelector: 'spec.nodeName=' })) {
    if (!isGated(pod)) continue
    const outcome = await root.patch(pods, pod.metadata, openPatch(pod, undefined), { type: 'strategic', dryRun })
    if (outcome.ok) opened.push(keyOf(pod))
    else if (!isGone(outcome)) {
      throw new Failure(`pod ${keyOf(pod)} still has the gate ${placementGate}: ${outcome.status.message}`, {
        next: 'run uninstall again as somebody who may patch pods; until then it is not scheduled',
      })
    }
  }
  return opened
}
