import { type Client, type Resource, resource } from '@kosmos/kube'

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

/** Every kind of namespaced objects that the cluster stores, in its preferred version. Measurements are none. */
export async function namespacedKinds(client: Client): Promise<Resource[]> {
  const { groups } = (await client.raw('/apis')) as GroupList
  const paths = groups
    .filter(({ name }) => name !== 'metrics.k8s.io' && !name.endsWith('.metrics.k8s.io'))
    .map(({ preferredVersion }) => `/apis/${preferredVersion.groupVersion}`)
  const lists = (await Promise.all(['/api/v1', ...paths].map((path) => client.raw(path)))) as ResourceList[]
  return lists.flatMap(({ groupVersion, resources }) =>
    resources
      .filter(({ name, namespaced, verbs }) => namespaced && verbs.includes('list') && !name.includes('/'))
      .map(({ name, kind }) => resource(groupVersion, kind, name, 'Namespaced')),
  )
}
