import { setTimeout as sleep } from 'node:timers/promises'
import { type Pod, pods } from '@kosmos/kube'
import type { Manifest } from '../../clusters/resources.ts'
import { Failure } from '../../terminal/failure.ts'
import { linkNamespace } from '../network/facts.ts'
import { afterRefusal, type Site } from './sites.ts'

const lookMs = 300

/** Creates a pod and waits until it is so far. @throws Failure with what it waits for instead */
export async function runPod(
  { name: cluster, client }: Site,
  manifest: Manifest,
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal },
  isThere: (phase: string) => boolean,
): Promise<Pod> {
  if (signal.aborted) throw new Failure('interrupted')
  const name = manifest.metadata?.name ?? ''
  const outcome = await client.create(pods, manifest)
  if (!outcome.ok) {
    throw new Failure(`${cluster}: check pod ${name} was not stored: ${outcome.status.message}`, afterRefusal(cluster))
  }
  const until = Date.now() + timeoutMs
  for (;;) {
    if (signal.aborted) throw new Failure('interrupted')
    const pod = await client.get(pods, { namespace: linkNamespace, name })
    const phase = pod?.status?.phase ?? 'Pending'
    if (pod !== undefined && isThere(phase)) return pod
    if (pod === undefined || phase === 'Failed' || Date.now() > until) {
      throw new Failure(`check pod ${name} on ${outcome.object.spec.nodeName} did not get there: ${whyOf(pod)}`, {
        next: `kubectl describe node ${outcome.object.spec.nodeName}, in ${cluster}: can it start pods?`,
      })
    }
    await sleep(lookMs)
  }
}

function whyOf(pod: Pod | undefined): string {
  if (pod === undefined) return 'somebody has deleted it'
  const { phase = 'Pending', message, containerStatuses = [] } = pod.status ?? {}
  const waiting = containerStatuses[0]?.state?.waiting
  return waiting ? `${waiting.reason}: ${waiting.message ?? ''}` : (message ?? phase)
}
