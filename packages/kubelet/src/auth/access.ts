import type { Client } from '@kosmos/kube'
import { type AccessOptions, createReviewAccess, type User } from '@kosmos/kube/auth'

export interface Access {
  readonly user: User
  readonly verb: string
  readonly node: string
  /** Of `nodes`. */
  readonly subresource: string
}

/** Whether the cluster allows it. Throws if the API server gives no verdict. */
export type Authorize = (access: Access) => Promise<boolean>

/** Rights on a node, asked for as pkg/kubelet/server/auth.go does. */
export function createAuthorize(client: Client, options: AccessOptions = {}): Authorize {
  const reviewAccess = createReviewAccess(client, options)
  return ({ user, verb, node, subresource }) =>
    reviewAccess(user, {
      resourceAttributes: { group: '', version: 'v1', resource: 'nodes', subresource, name: node, verb },
    })
}
