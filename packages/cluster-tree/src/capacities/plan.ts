import { hash } from 'node:crypto'
import { apiVersion, clusterKind, clusterLabel, systemNamespace } from '@kosmos/api'
import {
  type CSIDriver,
  type CSIStorageCapacity,
  type KubeObject,
  type LabelSelector,
  labelSelector,
  type Node,
  parseQuantity,
  type Quantity,
  type StorageClass,
} from '@kosmos/kube'
import type { ClassNames } from '../volumes/class-names.ts'

/** What is known of the storage of a leaf. */
export interface LeafStorage {
  readonly classes: Iterable<StorageClass>
  readonly drivers: Iterable<CSIDriver>
  readonly capacities: Iterable<CSIStorageCapacity>
}

export interface CapacityView {
  readonly cluster: { readonly name: string; readonly uid: string }
  /** A class of the root whose volumes are made by leaves. */
  readonly className: string
  readonly classNames: ClassNames
  /** Undefined: the leaf does not let us see it. */
  readonly storage: LeafStorage | undefined
  /** The virtual nodes of the leaf, each with its leaf nodes. */
  readonly virtualNodes: ReadonlyMap<string, readonly Node[]>
}

/** For a driver that does not say how much it has: it is tried, and says no itself. */
const UNKNOWN = '4Ei'
const DEFAULT_CLASS = 'storageclass.kubernetes.io/is-default-class'

/**
 * The CSIStorageCapacity objects in the root that say how large a volume of a class each virtual node of a leaf could get
 * (KEP-1472): the largest that one segment of it has room for. A class that the leaf does not have gets none, which keeps pods
 * away that want it. Pure.
 */
export function wantedCapacities(view: CapacityView): readonly KubeObject[] {
  const offer = offerOf(view)
  if (offer === undefined) return []
  return [...view.virtualNodes].map(([nodeName, members]) => capacityObject(view, nodeName, roomFor(members, offer)))
}

function capacityObject({ cluster, className }: CapacityView, nodeName: string, capacity: string): KubeObject {
  const key = hash('sha1', `${cluster.name}/${className}/${nodeName}`).slice(0, 16)
  const object = {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'CSIStorageCapacity',
    metadata: {
      name: `kosmos-${key}`,
      namespace: systemNamespace,
      labels: { [clusterLabel]: cluster.name },
      // Goes with the Cluster.
      ownerReferences: [{ apiVersion, kind: clusterKind.kind, name: cluster.name, uid: cluster.uid }],
    },
    storageClassName: className,
    nodeTopology: { matchLabels: { 'kubernetes.io/hostname': nodeName } },
    capacity,
  }
  return object
}

/** What a class has in the leaf: for each part of the storage, where it is and how large a volume can be; or that it is not known. */
type Offer = 'unknown' | readonly { readonly selector: LabelSelector; readonly limit: Quantity }[]

function offerOf({ className, classNames, storage }: CapacityView): Offer | undefined {
  if (!storage) return 'unknown'
  const leafClass = classIn(storage.classes, classNames[className] ?? className)
  if (!leafClass) return undefined
  const driver = [...storage.drivers].find(({ metadata }) => metadata.name === leafClass.provisioner)
  if (!driver?.spec.storageCapacity) return 'unknown'
  return [...storage.capacities]
    .filter(({ storageClassName }) => storageClassName === leafClass.metadata.name)
    .map(({ nodeTopology, capacity, maximumVolumeSize }) => ({
      selector: labelSelector(nodeTopology),
      limit: parseQuantity(maximumVolumeSize ?? capacity ?? '0'),
    }))
}

function roomFor(members: readonly Node[], offer: Offer): string {
  if (offer === 'unknown') return UNKNOWN
  return offer
    .filter(({ selector }) => members.some(({ metadata }) => selector.matches(metadata.labels)))
    .reduce<Quantity>((most, { limit }) => most.max(limit), parseQuantity('0'))
    .toString()
}

/** The class of that name; of the empty name the default, of several the newest, as admission takes it. */
function classIn(classes: Iterable<StorageClass>, name: string): StorageClass | undefined {
  const all = [...classes]
  if (name !== '') return all.find(({ metadata }) => metadata.name === name)
  const defaults = all.filter(({ metadata }) => metadata.annotations?.[DEFAULT_CLASS] === 'true')
  const madeAt = ({ metadata }: StorageClass) => Date.parse(String(metadata.creationTimestamp ?? ''))
  return defaults.sort((a, b) => madeAt(b) - madeAt(a))[0]
}
