import { importedByLabel, rootClusterLabel, systemNamespace } from '@kosmos/api'
import { serviceImports } from '@kosmos/cluster-link'
import {
  ApiError,
  type Client,
  census,
  configMaps,
  describeObject,
  endpointSlices,
  isGone,
  type KubeObject,
  type Namespace,
  namespaces,
  type ObjectRef,
  persistentVolumeClaims,
  pods,
  type Resource,
  secrets,
  serviceAccounts,
  services,
} from '@kosmos/kube'
import { isOwn } from '../clusters/own.ts'
import { clusterRoleBindings, clusterRoles, roleBindings, roles } from '../clusters/resources.ts'
import { lookAtMcsDefinitions, type McsRemoval, markOfJoin, removeMcsDefinitions } from '../install/mcs-definitions.ts'
import { Failure } from '../terminal/failure.ts'
import { mustBeGone } from './must-be-gone.ts'

/** Something that unjoin left behind, why, and how to remove it by hand. */
export interface Remainder {
  readonly what: string
  readonly why: string
  readonly command: string
}

/** A leaf that refuses what an unjoin has to do. */
const asAdministrator = {
  next: 'run it again with --leaf-kubeconfig of an administrator; it takes up where it stopped',
}

/** What the controllers make in a leaf for root pods, in the order in which it goes; claims, which have data, stay. */
export const copiedKinds: readonly Resource[] = [pods, services, endpointSlices, configMaps, secrets]

/** Deletes the copies of root pods and of what they need, by the root's identity. For when no controller does. */
export async function deleteCopies(leaf: Client, rootId: string): Promise<void> {
  for (const resource of copiedKinds) {
    const copies = await ownIn(leaf, resource, rootId)
    await Promise.all(copies.map((copy) => deleteObject(leaf, resource, copy)))
  }
}

/** Metadata of what is ours; nothing where we may not look, as we cannot have made any there. */
export async function ownIn(leaf: Client, resource: Resource, rootId: string): Promise<KubeObject[]> {
  return await labelled(leaf, resource, `${rootClusterLabel}=${rootId}`)
}

async function labelled(leaf: Client, resource: Resource, labelSelector: string): Promise<KubeObject[]> {
  return await leaf.listAll(resource, { labelSelector, metadataOnly: true }).catch((error) => {
    // In a cluster that was never linked there are no imports, in one that is linked only no copies; nor the rights to look.
    if (error instanceof ApiError && (error.code === 403 || error.code === 404)) return []
    throw error
  })
}

/** What stands for Services of other clusters, in the order in which it goes. */
export const importedKinds = [serviceImports, services, endpointSlices] as readonly Resource[]

/** Deletes what stands for Services of other clusters. For when no controller does. */
export async function deleteImports(leaf: Client, rootId: string): Promise<void> {
  for (const resource of importedKinds) {
    const imports = await importedIn(leaf, resource, rootId)
    await Promise.all(imports.map((one) => deleteObject(leaf, resource, one)))
  }
}

/** Metadata of what stands for Services of other clusters. */
export async function importedIn(leaf: Client, resource: Resource, rootId: string): Promise<KubeObject[]> {
  return await labelled(leaf, resource, `${importedByLabel}=${rootId}`)
}

/**
 * Removes what join and the controllers made in the leaf for this root: namespaces in which nothing else is, and no data, then the
 * account with its rights. Returns what had to stay.
 * @param beforeAccount is done when nothing but the account is left: who has no other credentials cannot come back after it
 */
export async function leaveLeaf(
  leaf: Client,
  rootId: string,
  account: string,
  beforeAccount: (remains: readonly Remainder[]) => Promise<void>,
): Promise<Remainder[]> {
  const labelSelector = `${rootClusterLabel}=${rootId}`
  const remainders: Remainder[] = []
  const made = await leaf.listAll(namespaces, { labelSelector })
  const system = made.find(({ metadata }) => metadata.name === systemNamespace)
  for (const namespace of made.filter((one) => one !== system && !goesWithAccount(one, account))) {
    const stays = await reasonToStay(leaf, namespace.metadata.name, rootId)
    if (stays === undefined) await deleteObject(leaf, namespaces, namespace)
    else remainders.push(stays)
  }
  remainders.push(...(await claimsElsewhere(leaf, rootId, made)))
  const shared = await removeMcsDefinitions(leaf, markOfJoin(rootId))
  remainders.push(...shared.kept.map(keptKind))
  const systemStays = system && (await reasonToStay(leaf, systemNamespace, rootId))
  if (systemStays) remainders.push(systemStays)
  await beforeAccount(remainders)
  await giveUpAccount(leaf, rootId, account, systemStays ? undefined : system)
  return remainders
}

const goesWithAccount = ({ metadata }: Namespace, account: string): boolean =>
  metadata.ownerReferences?.some(({ kind, name }) => kind === clusterRoleBindings.kind && name === account) ?? false

/**
 * Deletes the account together with the rights by which it does so. The ClusterRoleBinding owns everything else of it, so
 * the leaf collects the rest when the binding is gone: no order of several requests would be safe, as each could take
 * away the right to the next.
 */
async function giveUpAccount(
  leaf: Client,
  rootId: string,
  account: string,
  namespace: Namespace | undefined,
): Promise<void> {
  const binding = await leaf.get(clusterRoleBindings, { name: account })
  if (binding !== undefined && isOwn(binding, rootId)) {
    if (namespace !== undefined) await makeOwned(leaf, namespace, binding)
    await deleteObject(leaf, clusterRoleBindings, binding)
  }
  // An administrator need not wait for the collector; the account itself has no rights any more.
  const inNamespace = { namespace: systemNamespace, name: account }
  const rest: readonly (readonly [Resource, ObjectRef])[] = [
    [clusterRoles, { name: account }],
    [roleBindings, inNamespace],
    [roles, inNamespace],
    [serviceAccounts, inNamespace],
    ...(namespace === undefined ? [] : [[namespaces, { name: systemNamespace }] as const]),
  ]
  for (const [resource, ref] of rest) if (!(await mayDelete(leaf, resource, ref, rootId))) return
}

/** Deletes an object if it is ours; false if that is not allowed. */
async function mayDelete(leaf: Client, resource: Resource, ref: ObjectRef, rootId: string): Promise<boolean> {
  try {
    const object = await leaf.get(resource, ref)
    if (object === undefined || !isOwn(object, rootId)) return true
    const outcome = await leaf.delete(resource, ref, { uid: object.metadata?.uid ?? '' })
    return outcome.ok || outcome.reason !== 'Forbidden'
  } catch (error) {
    if (error instanceof ApiError && (error.code === 401 || error.code === 403)) return false
    throw error
  }
}

/** The namespace goes with the owner, by the leaf's garbage collector. */
async function makeOwned(leaf: Client, { metadata: { name, uid } }: Namespace, owner: KubeObject): Promise<void> {
  const reference = {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    name: owner.metadata?.name,
    uid: owner.metadata?.uid,
  }
  const patch = { metadata: { uid, ownerReferences: [reference] } }
  const outcome = await leaf.patch(namespaces, { name }, patch, { type: 'merge' })
  if (!outcome.ok && !isGone(outcome)) {
    throw new Failure(`leaf: Namespace ${name} cannot be given up: ${outcome.status.message}`, asAdministrator)
  }
}

/** What is in a leaf that could not be asked. Pure. */
export function leftInLeaf(rootId: string, account: string, why: string): Remainder[] {
  const selector = `${rootClusterLabel}=${rootId}`
  return [
    {
      what: 'pods, Services, ConfigMaps and Secrets of the root',
      why,
      command: `kubectl delete pods,services,endpointslices,configmaps,secrets --all-namespaces -l ${selector}`,
    },
    {
      what: 'claims of the root, with their data',
      why,
      command: `kubectl get persistentvolumeclaims --all-namespaces -l ${selector}`,
    },
    {
      what: 'what stands for Services of other clusters, if it was linked',
      why,
      command: `kubectl delete serviceimports,services,endpointslices --all-namespaces -l ${importedByLabel}=${rootId}`,
    },
    {
      what: 'what agents of ClusterLink have made on nodes, if it was linked: they take it away when nothing is asked of them, before they go themselves',
      why,
      command: `kubectl delete nodeconfigs -l ${selector}`,
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

/** What {@link leaveLeaf} would remove, as people know it, and what would stay with all its reasons; nothing is changed. */
export async function lookAtLeaf(leaf: Client, rootId: string, account: string) {
  const made = await leaf.listAll(namespaces, { labelSelector: `${rootClusterLabel}=${rootId}` })
  const looked = await Promise.all(
    made.map(async (namespace) => {
      const { name } = namespace.metadata
      return { name, stays: goesWithAccount(namespace, account) ? undefined : await reasonToStay(leaf, name, rootId) }
    }),
  )
  const staying = (isSystem: boolean) =>
    looked.flatMap(({ name, stays }) => (stays && (name === systemNamespace) === isSystem ? [stays] : []))
  const kinds = await lookAtMcsDefinitions(
    leaf,
    markOfJoin(rootId),
    ({ metadata }) => metadata?.labels?.[importedByLabel] === rootId,
  )
  return {
    going: [
      ...looked.flatMap(({ name, stays }) => (stays === undefined ? [`Namespace ${name}`] : [])),
      ...kinds.flatMap(({ what, why }) => (why === undefined ? [what] : [])),
    ],
    remains: [
      ...staying(false),
      ...(await claimsElsewhere(leaf, rootId, made)),
      ...kinds.flatMap(({ what, name, why }) => (why === undefined ? [] : [keptKind({ what, name, why })])),
      ...staying(true),
    ],
  }
}

const keptKind = ({ what, name, why }: McsRemoval['kept'][number]): Remainder => ({
  what,
  why,
  command: `kubectl delete crd ${name}`,
})

/** Claims of the root in namespaces that others have made. */
async function claimsElsewhere(leaf: Client, rootId: string, made: readonly Namespace[]): Promise<Remainder[]> {
  const ours = new Set(made.map(({ metadata }) => metadata.name))
  const claims = await ownIn(leaf, persistentVolumeClaims, rootId)
  return claims
    .filter(({ metadata }) => !ours.has(metadata?.namespace ?? ''))
    .map((claim) => ({
      what: describeObject({ ...claim, kind: persistentVolumeClaims.kind }),
      why: 'it has its data',
      command: `kubectl delete persistentvolumeclaim -n ${claim.metadata?.namespace} ${claim.metadata?.name}`,
    }))
}

async function reasonToStay(leaf: Client, namespace: string, rootId: string): Promise<Remainder | undefined> {
  let claim: KubeObject | undefined
  const isOurs = (object: KubeObject, kind: Resource) => {
    if (kind.plural === persistentVolumeClaims.plural && isOwn(object, rootId)) claim = object
    return isOwn(object, rootId) || object.metadata?.labels?.[importedByLabel] === rootId
  }
  const found = await census(leaf, namespace, isOurs)
  const command = `kubectl delete namespace ${namespace}`
  // With the namespace the claim would go, and with the claim what is on the volume.
  if (found.kind === 'empty' && claim) {
    const named = describeObject({ ...claim, kind: persistentVolumeClaims.kind })
    return { what: `Namespace ${namespace}`, why: `${named} is in it, with its data`, command }
  }
  if (found.kind === 'empty') return undefined
  const why =
    found.kind === 'foreign'
      ? `${found.example} is in it and was not made for this root`
      : `the stored credentials may not see whether ${found.kinds.join(', ')} are in it (--leaf-kubeconfig of an administrator may)`
  return { what: `Namespace ${namespace}`, why, command }
}

async function deleteObject(leaf: Client, resource: Resource, object: KubeObject): Promise<undefined> {
  const { name = '', namespace, uid } = object.metadata ?? {}
  const outcome = await leaf.delete(
    resource,
    { name, namespace },
    { ...(uid && { uid }), propagationPolicy: 'Background' },
  )
  mustBeGone(outcome, `leaf: ${describeObject({ ...object, kind: resource.kind })}`, asAdministrator.next)
}
