import { ApiError, type Client, type KubeObject, type Resource } from '@kosmos/kube'
import { namespacedKinds } from '../clusters/discovery.ts'
import { describeObject, isOwn } from '../clusters/own.ts'

/** Why a namespace that this root made must stay, or that nothing keeps it. */
export type Census =
  | { readonly kind: 'empty' }
  /** Something in it is not ours; an example. */
  | { readonly kind: 'foreign'; readonly example: string }
  /** These kinds may not be listed with the credentials, so it is unknown. */
  | { readonly kind: 'unknown'; readonly kinds: readonly string[] }

/** Looks for objects in a namespace that were not made for this root, of every kind that the cluster stores. */
export async function census(client: Client, namespace: string, rootId: string): Promise<Census> {
  const hidden: string[] = []
  const looks = (await namespacedKinds(client)).map(async (kind) => {
    try {
      return await firstForeign(client, kind, namespace, rootId)
    } catch (error) {
      if (!(error instanceof ApiError && error.code === 403)) throw error
      hidden.push(`${kind.plural}${kind.group && `.${kind.group}`}`)
      return undefined
    }
  })
  const foreign = (await Promise.all(looks)).find((object) => object !== undefined)
  if (foreign !== undefined) return { kind: 'foreign', example: describeObject(foreign) }
  return hidden.length > 0 ? { kind: 'unknown', kinds: hidden.sort() } : { kind: 'empty' }
}

async function firstForeign(client: Client, kind: Resource, namespace: string, rootId: string) {
  for await (const { items } of client.list(kind, { namespace, metadataOnly: true })) {
    const found = items.find((object) => !isOwn(object, rootId) && !comesByItself(kind, object))
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
