import type { Client } from '../client/client.ts'
import { ApiError } from '../connection/errors.ts'
import { describeObject } from '../objects/describe.ts'
import type { Resource } from '../objects/resources.ts'
import type { KubeObject } from '../objects/types.ts'
import { namespacedKinds } from './discovery.ts'

/** Whether a namespace holds anything but what is ours. */
export type Census =
  | { readonly kind: 'empty' }
  /** An example of what is not ours. */
  | { readonly kind: 'foreign'; readonly example: string }
  /** These kinds may not be listed with the credentials, so it is unknown. */
  | { readonly kind: 'unknown'; readonly kinds: readonly string[] }

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
  if (foreign !== undefined) return { kind: 'foreign', example: describeObject(foreign) }
  return hidden.length > 0 ? { kind: 'unknown', kinds: hidden.sort() } : { kind: 'empty' }
}

async function firstForeign(client: Client, kind: Resource, namespace: string, isOurs: IsOurs) {
  for await (const { items } of client.list(kind, { namespace, metadataOnly: true })) {
    const found = items.find((object) => !isOurs(object, kind) && !comesByItself(kind, object))
    if (found !== undefined) return { ...found, kind: kind.kind }
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
