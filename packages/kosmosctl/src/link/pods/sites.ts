import type { Client } from '@kosmos/kube'
import { describeRight, missingRights, type Right } from '../../clusters/rights.ts'
import { type Finding, problem } from '../../findings/finding.ts'
import { type Inside, type LinkedCluster, linkNamespace, type OpenMember } from '../network/facts.ts'
import { insideOf } from '../network/view.ts'
import type { Image } from './manifests.ts'

/** To make pods, to read what they say, and to take them away. */
export const podRights: readonly Right[] = [
  ...['create', 'get', 'list', 'delete'].map((verb) => ({ verb, resource: 'pods', namespace: linkNamespace })),
  { verb: 'get', resource: 'pods', subresource: 'log', namespace: linkNamespace },
]

export const serviceRights: readonly Right[] = ['create', 'list', 'delete'].map((verb) => ({
  verb,
  resource: 'services',
  namespace: linkNamespace,
}))

/** What to do where a cluster refuses what its rights allow: a quota, a policy of admission. */
export const afterRefusal = (cluster: string) => ({
  next: `settle that in ${cluster}, namespace ${linkNamespace} (quotas, admission), and run it again`,
})

/** A cluster in which check pods can be made, and the nodes for them. */
export interface Site {
  readonly name: string
  readonly client: Client
  readonly image: Image
  readonly nodes: readonly string[]
}

/** Clusters that are open, and of those that cannot be used, why not. */
export interface Sites {
  readonly sites: readonly Site[]
  readonly findings: readonly Finding[]
}

export interface SitesOptions {
  readonly clusters: readonly LinkedCluster[]
  readonly open: OpenMember
  readonly everyNode: boolean
  /** What has to be allowed there. */
  readonly rights: readonly Right[]
}

/** Opens all clusters that can be used for the time of the work. */
export async function withSites<T>(
  { clusters, open, everyNode, rights }: SitesOptions,
  work: (found: Sites) => Promise<T>,
): Promise<T> {
  const visit = async (index: number, { sites, findings }: Sites): Promise<T> => {
    const cluster = clusters[index]
    if (cluster === undefined) return await work({ sites, findings })
    const without = (verdict: Finding['verdict']) =>
      visit(index + 1, { sites, findings: [...findings, { id: 'pods', cluster: cluster.name, verdict }] })
    const image = imageOf(cluster)
    if ('status' in image) return await without(image)
    let done: { readonly value: T } | undefined
    await open(cluster.cluster, async (client) => {
      const missing = await missingRights(client, rights)
      const site = { name: cluster.name, client, image, nodes: nodesOf(cluster, everyNode) }
      const value =
        missing.length > 0
          ? await without(mayNot(cluster, missing))
          : await visit(index + 1, { sites: [...sites, site], findings })
      done = { value }
    })
    return (done as { readonly value: T } | undefined)?.value as T
  }
  return await visit(0, { sites: [], findings: [] })
}

function mayNot({ name }: LinkedCluster, rights: readonly Right[]): Finding['verdict'] {
  return problem(
    `no check pod can be made: the account may not ${rights.map(describeRight).join(', ')}`,
    `use an administrator's: --cluster-kubeconfig ${name}=FILE`,
  )
}

/** The image of the agents, which the nodes have already; or why it is not known. */
function imageOf(cluster: LinkedCluster): Image | Finding['verdict'] {
  const inside: Inside | undefined = insideOf(cluster)
  if (inside === undefined) {
    return problem('no check pod can be made: the cluster could not be asked', `kosmosctl check ${cluster.name}`)
  }
  if (inside.agents === undefined)
    return mayNot(cluster, [{ verb: 'list', resource: 'pods', namespace: linkNamespace }])
  const { containers = [], imagePullSecrets } = inside.agents[0]?.spec ?? {}
  const image = containers[0]?.image
  if (image === undefined) {
    return problem('no check pod can be made: there is no agent whose image could be used', 'join it with --link')
  }
  return { image, ...(imagePullSecrets && { imagePullSecrets }) }
}

/** All nodes; or one, rather behind a gateway than one itself, because its packets go further. */
function nodesOf({ nodes }: LinkedCluster, every: boolean): string[] {
  const names = nodes.map(({ spec }) => spec.nodeName).sort()
  if (every) return names
  const inner = nodes.filter(({ spec }) => !spec.roles?.includes('gateway')).map(({ spec }) => spec.nodeName)
  return [...inner.sort(), ...names].slice(0, 1)
}
