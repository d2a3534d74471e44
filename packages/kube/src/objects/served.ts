import type { Client } from '../client/client.ts'
import { ApiError } from '../connection/errors.ts'
import { apiVersionOf, type Resource } from './resources.ts'
import type { KubeObject } from './types.ts'

/** The first of some resources, of one kind in several versions say, that an API server serves; undefined if it serves none. */
export async function servedResource<T extends KubeObject>(
  client: Client,
  candidates: readonly Resource<T>[],
): Promise<Resource<T> | undefined> {
  for (const candidate of candidates) if (await isServed(client, candidate)) return candidate
  return undefined
}

async function isServed(client: Client, candidate: Resource): Promise<boolean> {
  const { group } = candidate
  try {
    const answer = await client.raw(`/${group === '' ? 'api' : 'apis'}/${apiVersionOf(candidate)}`)
    const { resources } = answer as { readonly resources: readonly { readonly name: string }[] }
    return resources.some(({ name }) => name === candidate.plural)
  } catch (error) {
    if (error instanceof ApiError && error.code === 404) return false
    throw error
  }
}
