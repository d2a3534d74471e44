import type { Client, Pod } from '@kosmos/kube'

/** As ServiceAccount admission writes it into the volume of each pod. */
const EXPIRATION_SECONDS = 3607

/** Asks for the token of a pod's default volume as a kubelet does before it starts the pod; one simulated by kwok does not. */
export async function askToken(client: Client, { metadata, spec }: Pod): Promise<void> {
  const { namespace, name, uid } = metadata
  const boundObjectRef = { apiVersion: 'v1', kind: 'Pod', name, uid }
  const account = { namespace, name: spec.serviceAccountName ?? 'default' }
  const outcome = await client.requestToken(account, { expirationSeconds: EXPIRATION_SECONDS, boundObjectRef })
  if (!outcome.ok) throw new Error(`no token for pod ${name}: ${outcome.status.message}`)
}
