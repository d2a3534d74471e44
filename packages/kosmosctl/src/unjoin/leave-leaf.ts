import { rootClusterLabel, systemNamespace } from '@kosmos/api'
import {
  type Client,
  configMaps,
  type KubeObject,
  namespaces,
  pods,
  type Resource,
  secrets,
  serviceAccounts,
} from '@kosmos/kube'
import { census } from '../clusters/census.ts'
import { describeObject, isOwn } from '../clusters/own.ts'
import { clusterRoleBindings, clusterRoles, roleBindings, roles } from '../clusters/resources.ts'
import { explain } from '../terminal/explain.ts'

/** Something that unjoin left behind, why, and how to remove it by hand. */
export interface Remainder {
  readonly what: string
  readonly why: string
  readonly command: string
}

/** Deletes the copies of root pods and their configuration, by the root's identity. For when no controller does. */
export async function deleteCopies(leaf: Client, rootId: string): Promise<number> {
  const labelSelector = `${rootClusterLabel}=${rootId}`
  let count = 0
  for (const resource of [pods, configMaps, secrets] as Resource[]) {
    const copies = await leaf.listAll(resource, { labelSelector, metadataOnly: true })
    await Promise.all(copies.map((copy) => deleteObject(leaf, resource, copy)))
    count += copies.length
  }
  return count
}

/**
 * Removes what join and the controllers made in the leaf for this root: namespaces in which nothing else is, then the
 * account with its rights. Returns what had to stay.
 */
export async function leaveLeaf(leaf: Client, rootId: string, account: string): Promise<Remainder[]> {
  const labelSelector = `${rootClusterLabel}=${rootId}`
  const remainders: Remainder[] = []
  const made = await leaf.listAll(namespaces, { labelSelector })
  const system = made.find(({ metadata }) => metadata.name === systemNamespace)
  for (const namespace of made.filter((one) => one !== system)) {
    const stays = await reasonToStay(leaf, namespace.metadata.name, rootId)
    if (stays === undefined) await deleteObject(leaf, namespaces, namespace)
    else remainders.push(stays)
  }
  const systemStays = system && (await reasonToStay(leaf, systemNamespace, rootId))
  if (systemStays) remainders.push(systemStays)

  // The account deletes its own rights: the requests go out together, while they still hold. What one of them misses is
  // collected by the leaf, because the ClusterRoleBinding owns the others.
  const namespaced = (resource: Resource) => [resource, { namespace: systemNamespace, name: account }] as const
  const goesWithNamespace = system !== undefined && systemStays === undefined
  const last = await Promise.all(
    [
      [clusterRoleBindings as Resource, { name: account }] as const,
      [clusterRoles as Resource, { name: account }] as const,
      ...(goesWithNamespace
        ? [[namespaces as Resource, { name: systemNamespace }] as const]
        : [namespaced(roleBindings), namespaced(roles), namespaced(serviceAccounts)]),
    ].map(async ([resource, ref]) => [resource, await leaf.get(resource, ref)] as const),
  )
  const answers = await Promise.all(
    last.map(async ([resource, object]) => {
      if (object === undefined || !isOwn(object, rootId)) return undefined
      return await deleteObject(leaf, resource, object).catch((error) => ({ resource, object, error }))
    }),
  )
  // Refused because the rights are gone: then the binding is, and the rest goes with it.
  const failed = answers.filter((answer) => answer !== undefined)
  if (failed.length === last.length) {
    remainders.push(
      ...failed.map(({ resource, object, error }) => ({
        what: describeObject({ ...object, kind: resource.kind }),
        why: explain(error).message,
        command: `kubectl delete ${resource.plural} ${object.metadata?.name}`,
      })),
    )
  }
  return remainders
}

/** What is in a leaf that could not be asked. Pure. */
export function leftInLeaf(rootId: string, account: string, why: string): Remainder[] {
  const selector = `${rootClusterLabel}=${rootId}`
  return [
    {
      what: 'pods, ConfigMaps and Secrets of the root',
      why,
      command: `kubectl delete pods,configmaps,secrets --all-namespaces -l ${selector}`,
    },
    {
      what: `account ${account} and its rights`,
      why,
      command: `kubectl delete clusterrolebinding,clusterrole ${account} && kubectl delete -n ${systemNamespace} rolebinding,role,serviceaccount ${account}`,
    },
    {
      what: 'namespaces that were made for the root (look first whether something else is in them)',
      why,
      command: `kubectl get namespaces -l ${selector}`,
    },
  ]
}

async function reasonToStay(leaf: Client, namespace: string, rootId: string): Promise<Remainder | undefined> {
  const found = await census(leaf, namespace, (object) => isOwn(object, rootId))
  if (found.kind === 'empty') return undefined
  const why =
    found.kind === 'foreign'
      ? `${found.example} is in it and was not made for this root`
      : `the stored credentials may not see whether ${found.kinds.join(', ')} are in it (--leaf-kubeconfig of an administrator may)`
  return { what: `Namespace ${namespace}`, why, command: `kubectl delete namespace ${namespace}` }
}

async function deleteObject(leaf: Client, resource: Resource, object: KubeObject): Promise<undefined> {
  const { name = '', namespace, uid } = object.metadata ?? {}
  const outcome = await leaf.delete(
    resource,
    { name, namespace },
    { ...(uid && { uid }), propagationPolicy: 'Background' },
  )
  if (outcome.ok || outcome.reason === 'NotFound' || outcome.reason === 'OtherIncarnation') return
  throw new Error(
    `leaf: ${describeObject({ ...object, kind: resource.kind })} was not deleted: ${outcome.status.message}`,
  )
}
