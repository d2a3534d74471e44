import { createHash } from 'node:crypto'
import { type Client, type KubeObject, resource } from '@kosmos/kube'
import { LRUCache } from 'lru-cache'
import type { User } from './user.ts'

interface SubjectAccessReview extends KubeObject {
  readonly status?: { readonly allowed?: boolean; readonly evaluationError?: string }
}

const subjectAccessReviews = resource<SubjectAccessReview>(
  'authorization.k8s.io/v1',
  'SubjectAccessReview',
  'subjectaccessreviews',
  'Cluster',
)

export interface Access {
  readonly user: User
  readonly verb: string
  readonly node: string
  /** Of `nodes`. */
  readonly subresource: string
}

/** Whether the cluster allows it. Throws if the API server gives no verdict. */
export type Authorize = (access: Access) => Promise<boolean>

export interface AccessOptions {
  /** The kubelet's `authorization.webhook.cacheAuthorizedTTL`. */
  readonly allowedMs?: number
  /** The kubelet's `authorization.webhook.cacheUnauthorizedTTL`. */
  readonly deniedMs?: number
  readonly maxEntries?: number
}

/** Rights by SubjectAccessReview, remembered as a kubelet does. Equal reviews in flight are one. */
export function createAuthorize(client: Client, options: AccessOptions = {}): Authorize {
  const { allowedMs = 300_000, deniedMs = 30_000, maxEntries = 4_096 } = options
  const verdicts = new LRUCache<string, { allowed: boolean }, object>({
    max: maxEntries,
    ttl: deniedMs,
    ignoreFetchAbort: true,
    fetchMethod: async (_key, _stale, { options, context: spec }) => {
      const allowed = await review(client, spec)
      options.ttl = allowed ? allowedMs : deniedMs
      return { allowed }
    },
  })
  return async (access) => {
    const spec = reviewSpec(access)
    // Groups and extra can be long: the key is not.
    const key = createHash('sha256').update(JSON.stringify(spec)).digest('base64')
    return (await verdicts.forceFetch(key, { context: spec })).allowed
  }
}

/** What is asked, as pkg/kubelet/server/auth.go and k8s.io/apiserver's webhook authorizer put it. Pure. */
function reviewSpec({ user, verb, node, subresource }: Access) {
  return {
    user: user.name,
    ...(user.uid && { uid: user.uid }),
    groups: user.groups,
    ...(user.extra && { extra: user.extra }),
    resourceAttributes: { group: '', version: 'v1', resource: 'nodes', subresource, name: node, verb },
  }
}

async function review(client: Client, spec: object): Promise<boolean> {
  const review = { kind: 'SubjectAccessReview', spec }
  const outcome = await client.create(subjectAccessReviews, review)
  if (!outcome.ok) {
    throw new Error(
      `${client.name} refuses a SubjectAccessReview: ${outcome.status.message ?? outcome.reason}; Kosmos needs "create" on subjectaccessreviews.authorization.k8s.io`,
    )
  }
  return outcome.object.status?.allowed === true
}
