import { rootUidAnnotation } from '@kosmos/api'
import { type Client, isForbidden, type Pod, pods } from '@kosmos/kube'
import { askLeaves } from '../clusters/ask-leaves.ts'
import { age } from '../output/age.ts'
import { explain } from '../terminal/explain.ts'
import { clusterOfNodes } from './cluster-of-node.ts'
import type { Listing } from './listing.ts'
import { podSummary } from './pod-status.ts'

/** What the leaf itself says about the copy of a root pod. */
interface InLeaf {
  readonly node: string
  readonly state: string
}

/**
 * The pods of the root that run in leaves. `namespace` undefined: of all namespaces. With `askLeaves` also where in the
 * leaf each of them is; a leaf that does not answer is told to `warn`, and so is what the caller may not read.
 */
export async function listPods(
  root: Client,
  options: {
    readonly namespace: string | undefined
    readonly askLeaves: boolean
    readonly warn: (text: string) => void
  },
): Promise<Listing> {
  const clusterOf = await clusterOfNodes(root)
  if (clusterOf === undefined) {
    options.warn(
      'you may list neither nodes nor clusters.kosmos.io: pods on nodes of the root itself are in the list, too',
    )
  }
  const bound = await root.listAll(pods, { namespace: options.namespace, fieldSelector: 'spec.nodeName!=' })
  const found = clusterOf ? bound.filter((pod) => clusterOf.has(pod.spec.nodeName ?? '')) : bound
  const meant = new Set(found.map((pod) => clusterOf?.get(pod.spec.nodeName ?? '')))
  const inLeaf = options.askLeaves && clusterOf ? await copiesIn(root, meant, options.warn) : new Map()
  const many = options.namespace === undefined
  return {
    items: found,
    head: [...(many ? ['namespace'] : []), 'name', 'cluster', 'ready', 'status', 'restarts', 'age'],
    wide: ['ip', 'node', 'leaf node', 'leaf status'],
    rows: found.map((pod) => {
      const { ready, status, restarts } = podSummary(pod)
      return {
        cells: [
          ...(many ? [pod.metadata.namespace] : []),
          pod.metadata.name,
          clusterOf?.get(pod.spec.nodeName ?? '') ?? '<unknown>',
          ready,
          status,
          String(restarts),
          age(pod.metadata.creationTimestamp),
        ],
        wide: [
          pod.status?.podIP ?? '<none>',
          pod.spec.nodeName ?? '',
          inLeaf.get(pod.metadata.uid)?.node ?? '<unknown>',
          inLeaf.get(pod.metadata.uid)?.state ?? '<unknown>',
        ],
      }
    }),
  }
}

/** By the uid of the root pod. */
async function copiesIn(root: Client, clusters: ReadonlySet<string | undefined>, warn: (text: string) => void) {
  const found = await askLeaves(root, { isMeant: (cluster) => clusters.has(cluster), warn }).catch((error: unknown) => {
    if (!isForbidden(error)) throw error
    warn(`leaves were not asked: ${explain(error).message}`)
    return []
  })
  return new Map(found.map(({ copy }) => [copy.metadata.annotations?.[rootUidAnnotation] ?? '', inLeafOf(copy)]))
}

function inLeafOf(copy: Pod): InLeaf {
  const unschedulable = copy.status?.conditions?.find(
    ({ type, status }) => type === 'PodScheduled' && status === 'False',
  )
  return { node: copy.spec.nodeName ?? '<none>', state: unschedulable?.reason ?? podSummary(copy).status }
}
