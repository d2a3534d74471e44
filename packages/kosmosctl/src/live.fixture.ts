import { after, before } from 'node:test'
import { ApiError, type Client, type KubeObject, type ObjectRef, type Resource, resource } from '@kosmos/kube'
import { createReviewAccess } from '@kosmos/kube/auth'
import { type ControlPlane, startControlPlane } from '@kosmos/testbed'
import { openCluster } from './clusters/connect.ts'
import type { Progress } from './terminal/progress.ts'

/** A real control plane and a client of its administrator. */
export interface TestCluster {
  readonly plane: ControlPlane
  readonly client: Client
  readonly source: { readonly file: string }
}

/** etcd, API server and controller manager: namespaces and owned objects go away as they do anywhere. */
async function startCluster(name: string): Promise<TestCluster> {
  const components = ['etcd', 'kube-apiserver', 'kube-controller-manager'] as const
  const plane = await startControlPlane({ name, components })
  const source = { file: plane.kubeconfig }
  const { client } = await openCluster(name, source)
  return { plane, client, source }
}

async function stopCluster({ plane, client }: TestCluster): Promise<void> {
  await client.connection.close()
  await plane.stop()
}

/**
 * Clusters for the tests of a file or a `describe`: there from its first test on, stopped after its last.
 * @param prepare is done before the first test. A `before` of the same file would not wait for the clusters, one in a `describe` does.
 */
export function liveClusters<const Name extends string>(
  names: readonly Name[],
  prepare: (clusters: Readonly<Record<Name, TestCluster>>) => Promise<void> = async () => {},
): Readonly<Record<Name, TestCluster>> {
  const started: TestCluster[] = []
  const clusters = Object.fromEntries(names.map((name) => [name, {}])) as Record<Name, TestCluster>
  before(async () => {
    const starts = names.map(async (name) => started.push(Object.assign(clusters[name], await startCluster(name))))
    await Promise.all(starts)
    await prepare(clusters)
  })
  after(async () => {
    await Promise.all(started.map(stopCluster))
  })
  return clusters
}

/** A root and a leaf, and what was in each before the first test. */
export function rootAndLeaf(prepare: Parameters<typeof liveClusters<'root' | 'leaf'>>[1] = async () => {}) {
  const pristine = {} as Record<'root' | 'leaf', readonly string[]>
  const { root, leaf } = liveClusters(['root', 'leaf'], async (clusters) => {
    await prepare(clusters)
    pristine.root = await inventory(clusters.root.client)
    pristine.leaf = await inventory(clusters.leaf.client)
  })
  return { root, leaf, pristine }
}

/** Steps, by their titles, and warnings as they were told. */
export function recorded(): Progress & Readonly<Record<'titles' | 'warnings' | 'notes', readonly string[]>> {
  const titles: string[] = []
  const warnings: string[] = []
  const notes: string[] = []
  return {
    titles,
    warnings,
    notes,
    step: (title, work) => {
      titles.push(title)
      return work((text) => notes.push(text))
    },
    warn: (text) => warnings.push(text),
  }
}

interface ResourceList {
  readonly groupVersion: string
  readonly resources: readonly { name: string; kind: string; namespaced: boolean; verbs: readonly string[] }[]
}

/** What controllers of Kubernetes write by themselves. */
const notCompared =
  /^(Event|Lease|ComponentStatus|APIService|FlowSchema|PriorityLevelConfiguration|IPAddress|ServiceCIDR|StorageVersion.*) /
const madeByItself =
  / [^/]*\/(default|kube-root-ca\.crt)$|^ServiceAccount kube-system\/|^ClusterTrustBundle \/kubernetes\.io:|^\w+ \/system:/

/** Every object of a cluster, as `Kind namespace/name`. */
export async function inventory(client: Client): Promise<string[]> {
  const { groups } = (await client.raw('/apis')) as { groups: { preferredVersion: { groupVersion: string } }[] }
  const paths = ['/api/v1', ...groups.map(({ preferredVersion }) => `/apis/${preferredVersion.groupVersion}`)]
  const lists = await Promise.all(paths.map((path) => unlessGone(client.raw(path) as Promise<ResourceList>)))
  const kinds: Resource[] = lists.flatMap((list) =>
    (list?.resources ?? [])
      .filter(({ name, verbs }) => verbs.includes('list') && !name.includes('/'))
      .map(({ name, kind, namespaced }) =>
        resource(list?.groupVersion ?? '', kind, name, namespaced ? 'Namespaced' : 'Cluster'),
      ),
  )
  const found = await Promise.all(
    kinds.map(async (kind) =>
      ((await unlessGone(client.listAll(kind, { metadataOnly: true }))) ?? []).map(({ metadata }: KubeObject) => {
        return `${kind.kind} ${metadata?.namespace ?? ''}/${metadata?.name}`
      }),
    ),
  )
  return found
    .flat()
    .filter((text) => !notCompared.test(text) && !madeByItself.test(text))
    .sort()
}

/** What an API server says it has may be gone, or not be there yet, when it is asked for it. */
async function unlessGone<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer
  } catch (error) {
    if (error instanceof ApiError && error.code === 404) return undefined
    throw error
  }
}

/** What has come to an inventory, and what is gone from it. */
export async function changesSince(
  before: readonly string[],
  client: Client,
): Promise<{ added: string[]; gone: string[] }> {
  const now = await inventory(client)
  return {
    added: now.filter((text) => !before.includes(text)),
    gone: before.filter((text) => !now.includes(text)),
  }
}

export const unchanged = { added: [], gone: [] }

/** Looks until the condition holds; for what controllers of Kubernetes do in their own time. */
export async function eventually<T>(look: () => Promise<T | undefined | false>, what: string): Promise<T> {
  const until = Date.now() + 60_000
  for (;;) {
    const found = await look().catch(notNow)
    if (found !== undefined && found !== false && !(found instanceof ApiError)) return found as T
    if (Date.now() > until) throw new Error(`not within a minute: ${what}`, { cause: found })
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}

/** Waits until the authorizer of a cluster knows what has been stored of the rights of an account. */
export async function rightsAreKnown(
  client: Client,
  { namespace, name }: ObjectRef,
  right: { readonly verb: string; readonly resource: string },
  isAllowed: boolean,
): Promise<void> {
  const user = { name: `system:serviceaccount:${namespace}:${name}`, groups: [] }
  const known = () => createReviewAccess(client)(user, { resourceAttributes: right })
  await eventually(async () => (await known()) === isAllowed, `${user.name} and ${right.verb} ${right.resource}`)
}

/** A kind that comes or goes is answered for a moment with "not now". */
function notNow(error: unknown): ApiError {
  if (error instanceof ApiError && (error.code === 429 || error.code >= 500)) return error
  throw error
}
