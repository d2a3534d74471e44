import type { Client } from '../client/client.ts'
import { ApiError } from '../connection/errors.ts'
import { describeObject } from '../objects/describe.ts'
import type { ObjectRef } from '../objects/key.ts'
import type { Resource } from '../objects/resources.ts'
import type { KubeObject } from '../objects/types.ts'
import { namespacedKinds } from './discovery.ts'

/** Whether a namespace holds anything but what is ours. */
export type Census =
  | { readonly kind: 'empty' }
  /** An example of what is not ours, and where it is. */
  | { readonly kind: 'foreign'; readonly example: string; readonly at: ForeignObject }
  /** These kinds may not be listed with the credentials, so it is unknown. */
  | { readonly kind: 'unknown'; readonly kinds: readonly string[] }

export interface ForeignObject {
  readonly resource: Resource
  readonly ref: ObjectRef
  readonly uid: string
}

type IsOurs = (object: KubeObject, kind: Resource) => boolean

/** Looks for objects in a namespace that are not ours, of every kind that the cluster stores. */
export async function census(client: Client, namespace: string, isOurs: IsOurs): Promise<Census> {
  const { kinds, silent } = await namespacedKinds(client)
  const hidden: string[] = [...silent]
  const looks = kinds.map(async (kind) => {
    try {
      return await firstForeign(client, kind, namespace, isOurs)
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      // A kind that was just removed has no objects any more.
      if (error.code !== 404) hidden.push(`${kind.plural}${kind.group && `.${kind.group}`}`)
      return undefined
    }
  })
  const foreign = (await Promise.all(looks)).find((object) => object !== undefined)
  if (foreign !== undefined) return foreign
  return hidden.length > 0 ? { kind: 'unknown', kinds: hidden.sort() } : { kind: 'empty' }
}

async function firstForeign(
  client: Client,
  kind: Resource,
  namespace: string,
  isOurs: IsOurs,
): Promise<Census | undefined> {
  for await (const { items } of client.list(kind, { namespace, metadataOnly: true })) {
    const found = items.find((object) => !isOurs(object, kind) && !comesByItself(kind, object))
    if (found !== undefined) {
      const { name = '', uid = '' } = found.metadata ?? {}
      const at = { resource: kind, ref: { namespace, name }, uid }
      return { kind: 'foreign', example: describeObject({ ...found, kind: kind.kind }), at }
    }
  }
  return undefined
}

/** What Kubernetes puts into every namespace, or what only tells of the past. Pure. */
export function comesByItself(kind: Pick<Resource, 'plural'>, { metadata }: KubeObject): boolean {
  switch (kind.plural) {
    case 'serviceaccounts':
      return metadata?.name === 'default'
    case 'configmaps':
      return metadata?.name === 'kube-root-ca.crt'
    case 'events':
      return true
    default:
      return false
  }
}
