import type { Client } from '../client/client.ts'
import type { Resource } from '../objects/resources.ts'
import type { KubeObject } from '../objects/types.ts'

/** An object that is answered and not stored. */
export interface Review<Status> extends KubeObject {
  readonly status?: Status
}

/** As k8s.io/apiserver's delegated authentication and authorization wait (DelegatingAuthenticationOptions). */
const ANSWER_MS = 10_000

/** What an API server says to a question. Throws if it does not answer in time, or may not be asked. */
export async function review<Status>(
  client: Client,
  resource: Resource<Review<Status>>,
  spec: object,
  answerMs = ANSWER_MS,
): Promise<Status | undefined> {
  const { kind, plural, group } = resource
  const question: KubeObject & { readonly spec: object } = { kind, spec }
  const outcome = await client.create(resource, question, { signal: AbortSignal.timeout(answerMs) })
  if (outcome.ok) return outcome.object.status
  const why = outcome.status.message ?? outcome.reason
  throw new Error(`${client.name} refuses a ${kind}: ${why}; Kosmos needs "create" on ${plural}.${group}`)
}
