import { clusterLabel, leafProvisioner } from '@kosmos/api'
import type { CSIDriver, CSINode, KubeObject, Node, StorageClass } from '@kosmos/kube'

export interface RootStorage {
  readonly drivers: Iterable<CSIDriver>
  readonly classes: Iterable<StorageClass>
  /** Names of classes whose volumes the leaf reaches. */
  readonly shared: readonly string[]
}

/** What an API server takes for the name of a driver (k8s.io/kubernetes, pkg/apis/storage/validation). */
const DRIVER_NAME = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/i

/** The drivers of the root whose volumes a leaf does not reach, in one order. Pure. */
export function unreachableDrivers({ drivers, classes, shared }: RootStorage): readonly string[] {
  const all = [...classes]
  const reached = new Set(
    all.filter(({ metadata }) => shared.includes(metadata.name)).map(({ provisioner }) => provisioner),
  )
  const named = [...[...drivers].map(({ metadata }) => metadata.name), ...all.map(({ provisioner }) => provisioner)]
  return [...new Set(named)]
    .filter((name) => name !== leafProvisioner && !reached.has(name) && name.length <= 63 && DRIVER_NAME.test(name))
    .sort()
}

/**
 * The CSINode of a virtual node, by which the stock scheduler (NodeVolumeLimits) sends it no pod with a volume of these drivers, bound
 * or to be made: it takes none of them. Pure.
 */
export function attachLimits({ metadata: { name, uid, labels } }: Node, drivers: readonly string[]): KubeObject {
  const csiNode = {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'CSINode',
    metadata: {
      name,
      labels: { [clusterLabel]: labels?.[clusterLabel] ?? '' },
      // Goes with the node.
      ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name, uid }],
    },
    spec: { drivers: drivers.map((driver) => ({ name: driver, nodeID: name, allocatable: { count: 0 } })) },
  }
  return csiNode
}

/** Whether the CSINode that is there is this node's and says this; with nothing to say there needs to be none. Pure. */
export function saysSo(present: CSINode | undefined, node: Node, drivers: readonly string[]): boolean {
  if (!present) return drivers.length === 0
  const isOwn = present.metadata.ownerReferences?.some(({ uid }) => uid === node.metadata.uid) ?? false
  return isOwn && `${namedIn(present)}` === `${drivers}`
}

/** Whether it keeps pods off by a driver that is none of these any more. Pure. */
export function keepsOffMore(present: CSINode, drivers: readonly string[]): boolean {
  return namedIn(present).some((name) => !drivers.includes(name))
}

function namedIn({ spec }: CSINode): readonly string[] {
  // An API server makes null of an empty list.
  const { drivers }: { readonly drivers: CSINode['spec']['drivers'] | null } = spec
  return (drivers ?? []).map(({ name }) => name).sort()
}
