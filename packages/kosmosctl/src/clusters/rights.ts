import { type Client, selfSubjectAccessReviews } from '@kosmos/kube'
import type { Manifest } from './resources.ts'

/** One right, as a SubjectAccessReview asks for it. */
export interface Right {
  readonly verb: string
  readonly group?: string
  readonly resource: string
  readonly subresource?: string
  readonly namespace?: string
  readonly name?: string
}

/** Those of the rights that the client's user does not have. */
export async function missingRights(client: Client, rights: readonly Right[]): Promise<Right[]> {
  const allowed = await Promise.all(rights.map((right) => isAllowed(client, right)))
  return rights.filter((_, index) => !allowed[index])
}

export function describeRight({ verb, group, resource, subresource, namespace, name }: Right): string {
  const path = subresource ? `${resource}/${subresource}` : resource
  return [verb, group ? `${path}.${group}` : path, name && `"${name}"`, namespace && `in ${namespace}`]
    .filter(Boolean)
    .join(' ')
}

async function isAllowed(client: Client, right: Right): Promise<boolean> {
  const review: Manifest = { spec: { resourceAttributes: right } }
  const outcome = await client.create(selfSubjectAccessReviews, review)
  // Every authenticated user may ask (system:basic-user); who may not even ask is told by the request itself.
  return outcome.ok && outcome.object.status?.allowed === true
}
