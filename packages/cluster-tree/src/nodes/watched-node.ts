import { nodeLabel } from '@kosmos/api'
import { type Client, Informer, type Node, nodes } from '@kosmos/kube'

/** A virtual node as the watch of the root holds it. */
export type WatchedNode = Node & {
  /** Resources that others have written into its status: so an administrator advertises what no kubelet knows. */
  readonly advertised?: readonly string[]
}

/** As the API server writes them (KEP-555, ObjectMeta.managedFields). */
interface ManagedFields {
  readonly manager?: string
  readonly fieldsV1?: { readonly 'f:status'?: { readonly [list: string]: Readonly<Record<string, unknown>> } }
}

/** Follows the virtual nodes of the root, which is written by this client, and which of their resources are not ours. */
export function virtualNodeInformer(client: Client): Informer<WatchedNode> {
  const transform = (node: Node) => withAdvertised(node, client.fieldManager)
  return new Informer<WatchedNode>({
    client,
    resource: nodes,
    labelSelector: nodeLabel,
    managedFields: true,
    transform,
  })
}

/**
 * Takes managedFields apart. A resource belongs to who wrote its amount last, so one that the leaf had and has lost is ours, also
 * after a restart. Pure.
 * @param fieldManager what we are called in the root
 */
export function withAdvertised(node: Node, fieldManager: string): WatchedNode {
  const { managedFields, ...metadata } = { managedFields: undefined, ...node.metadata } as Node['metadata'] & {
    readonly managedFields: readonly ManagedFields[] | undefined
  }
  const others = (managedFields ?? []).filter(({ manager }) => manager !== fieldManager)
  const names = others.flatMap(({ fieldsV1 }) => {
    const { 'f:capacity': capacity = {}, 'f:allocatable': allocatable = {} } = fieldsV1?.['f:status'] ?? {}
    return Object.keys({ ...capacity, ...allocatable }).map((key) => key.slice('f:'.length))
  })
  const advertised = [...new Set(names)].filter(isExtended).sort()
  return { ...node, metadata, ...(advertised.length > 0 && { advertised }) }
}

/** As the API server decides (IsExtendedResourceName): of a domain that is not Kubernetes' own. */
function isExtended(name: string): boolean {
  return name.includes('/') && !name.includes('kubernetes.io/')
}
