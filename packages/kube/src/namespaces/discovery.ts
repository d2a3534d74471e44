import type { Client } from '../client/client.ts'
import { ApiError } from '../connection/errors.ts'
import { type Resource, resource } from '../objects/resources.ts'

interface GroupList {
  readonly groups: readonly { readonly name: string; readonly preferredVersion: { readonly groupVersion: string } }[]
}
interface ResourceList {
  readonly groupVersion: string
  readonly resources: readonly {
    readonly name: string
    readonly kind: string
    readonly namespaced: boolean
    readonly verbs: readonly string[]
  }[]
}

export interface NamespacedKinds {
  readonly kinds: readonly Resource[]
  /** Groups that could not be asked for their kinds: an aggregated API server that is down. */
  readonly silent: readonly string[]
}

/** Every kind of namespaced objects that the cluster stores, in its preferred version. Measurements are none. */
export async function namespacedKinds(client: Client): Promise<NamespacedKinds> {
  const { groups } = (await client.raw('/apis')) as GroupList
  const stored = groups.filter(({ name }) => name !== 'metrics.k8s.io' && !name.endsWith('.metrics.k8s.io'))
  const silent: string[] = []
  const lists = await Promise.all([
    kindsAt(client, '/api/v1'),
    ...stored.map(async ({ name, preferredVersion }) => {
      try {
        return await kindsAt(client, `/apis/${preferredVersion.groupVersion}`)
      } catch (error) {
        if (!(error instanceof ApiError)) throw error
        // The list of groups lags behind: one that was just removed has no objects any more.
        if (error.code !== 404) silent.push(name)
        return []
      }
    }),
  ])
  return { kinds: lists.flat(), silent }
}

async function kindsAt(client: Client, path: string): Promise<Resource[]> {
  const { groupVersion, resources } = (await client.raw(path)) as ResourceList
  return resources
    .filter(({ name, namespaced, verbs }) => namespaced && verbs.includes('list') && !name.includes('/'))
    .map(({ name, kind }) => resource(groupVersion, kind, name, 'Namespaced'))
}
