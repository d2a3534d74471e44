import { ApiError, type Client, isForbidden, type KubeObject, type Resource } from '@kosmos/kube'

/** What could be read of a kind. */
export interface Reading<T> {
  readonly items: readonly T[]
  /** Whose are missing, and why, for people; undefined: none is. */
  readonly unread?: Unread
}

export interface Unread {
  /** As in `nodes`, or `pods of other namespaces`. */
  readonly what: string
  readonly why: string
  /** Whether those of the namespace that was asked about are known. */
  readonly isOfOthers: boolean
}

/** What could not be read, as one sentence. Pure. */
export const unreadText = ({ what, why }: Pick<Unread, 'what' | 'why'>): string => `${what}: ${why}`

export interface ReadingOptions {
  /** Where they are read at least, if the rights are for one namespace only. */
  readonly namespace?: string
  readonly labelSelector?: string
}

/**
 * All objects of a kind, or what of them may be read. A kind that is not installed has none.
 * @throws what is no refusal
 */
export async function readAll<T extends KubeObject>(
  client: Client,
  resource: Resource<T>,
  { namespace, labelSelector }: ReadingOptions = {},
): Promise<Reading<T>> {
  const of = labelSelector === undefined ? {} : { labelSelector }
  const everywhere = await list(client, resource, of)
  const { refusal } = everywhere
  if (refusal === undefined) return everywhere
  const own = namespace === undefined ? everywhere : await list(client, resource, { ...of, namespace })
  const isOfOthers = namespace !== undefined && own.refusal === undefined
  const what = isOfOthers ? `${resource.plural} of other namespaces` : resource.plural
  return { items: own.items, unread: { what, why: refusal, isOfOthers } }
}

async function list<T extends KubeObject>(
  client: Client,
  resource: Resource<T>,
  options: ReadingOptions,
): Promise<{ readonly items: readonly T[]; readonly refusal?: string }> {
  try {
    return { items: await client.listAll(resource, options) }
  } catch (error) {
    if (isMissing(error)) return { items: [] }
    if (isForbidden(error)) return { items: [], refusal: error.status.message ?? error.message }
    throw error
  }
}

/** Whether there is no such kind. */
const isMissing = (error: unknown): boolean => error instanceof ApiError && error.code === 404
