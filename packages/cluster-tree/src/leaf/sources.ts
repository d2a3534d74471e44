import { rootClusterLabel } from '@kosmos/api'
import {
  type Client,
  configMaps,
  csiDrivers,
  csiStorageCapacities,
  endpointSlices,
  Informer,
  type KubeObject,
  type Node,
  namespaces,
  nodes,
  type PersistentVolumeClaim,
  type Pod,
  persistentVolumeClaims,
  pods,
  type ReflectorState,
  type Resource,
  secrets,
  services,
  storageClasses,
} from '@kosmos/kube'
import type { LeafStorageSources } from '../capacities/controller.ts'
import type { WatchedCopy } from '../copies/content-state.ts'
import { copyInformer } from '../copies/informer.ts'
import { copiedSlices, serviceKeyOf } from '../endpoints/copy.ts'
import { whatIsOffered } from '../nodes/leaf-node.ts'

type Metadata = Informer<KubeObject>
type Copies = Informer<WatchedCopy>

/** Watches that tell how much room the leaf's storage has. */
export const storageSources = ['storageclasses', 'csidrivers', 'csistoragecapacities'] as const

/** Which watch a state is about. */
export type LeafSource =
  | 'pods'
  | 'foreignPods'
  | 'nodes'
  | 'namespaces'
  | 'configmaps'
  | 'secrets'
  | 'services'
  | 'endpointslices'
  | 'claims'
  | 'events'
  | StorageSource

type StorageSource = (typeof storageSources)[number]

/** What is watched in a leaf. What is not ours is not received, but for what capacity needs to know of other pods. */
export interface LeafSources {
  /** Our copies, without what the root pod says anyway. */
  readonly pods: Informer<Pod, 'namespace'>
  /** The pods of others that take room: running or about to, without what capacity does not read. */
  readonly foreignPods: Informer<Pod>
  readonly nodes: Informer<Node>
  /** Those that were made for this root. */
  readonly namespaces: Metadata
  readonly services: Informer<WatchedCopy, 'namespace'>
  /** Those that we made; the leaf's own of our Services are its business. */
  readonly endpointSlices: Informer<WatchedCopy, 'service'>
  readonly claims: Informer<PersistentVolumeClaim>
  /** Metadata of our copies, and of what is made for one pod. */
  readonly configuration: { readonly configmaps: Copies; readonly secrets: Copies }
  readonly storage: LeafStorageSources
  run(signal: AbortSignal): Promise<void>
}

export function watchLeaf(
  client: Client,
  rootClusterId: string,
  onState: (source: LeafSource, state: ReflectorState) => void,
  /** Something of ours is about to be taken as a whole again: what is not in it will seem to be gone. */
  onRelist: () => void,
): LeafSources {
  const ours = `${rootClusterLabel}=${rootClusterId}`
  const telling = (source: LeafSource) => (state: ReflectorState) => onState(source, state)
  const metadata = (resource: Resource, source: LeafSource) =>
    new Informer<KubeObject>({
      client,
      resource,
      labelSelector: ours,
      metadataOnly: true,
      onState: telling(source),
      onRelist,
    })
  const sources = {
    pods: new Informer({
      client,
      resource: pods,
      labelSelector: ours,
      indexes: { namespace: ({ metadata }) => [metadata.namespace ?? ''] },
      transform: whatIsReflected,
      onState: telling('pods'),
      onRelist,
    }),
    foreignPods: new Informer({
      client,
      onState: telling('foreignPods'),
      resource: pods,
      labelSelector: `${rootClusterLabel}!=${rootClusterId}`,
      fieldSelector: 'spec.nodeName!=,status.phase!=Succeeded,status.phase!=Failed',
      transform: whatTakesRoom,
    }),
    nodes: new Informer({ client, resource: nodes, transform: whatIsOffered, onState: telling('nodes') }),
    namespaces: metadata(namespaces, 'namespaces'),
    claims: new Informer({
      client,
      resource: persistentVolumeClaims,
      labelSelector: ours,
      onState: telling('claims'),
      onRelist,
    }),
    services: copyInformer({
      client,
      resource: services,
      labelSelector: ours,
      indexes: { namespace: ({ metadata }) => [metadata?.namespace ?? ''] },
      onState: telling('services'),
      onRelist,
    }),
    endpointSlices: copyInformer({
      client,
      resource: endpointSlices,
      labelSelector: `${ours},${copiedSlices}`,
      indexes: { service: (slice) => [serviceKeyOf(slice)] },
      onState: telling('endpointslices'),
      onRelist,
    }),
  }
  const copies = (resource: Resource, source: LeafSource) =>
    copyInformer({ client, resource, labelSelector: ours, onState: telling(source), onRelist })
  const configuration = { configmaps: copies(configMaps, 'configmaps'), secrets: copies(secrets, 'secrets') }
  const unheardOf = new Set<LeafSource>(storageSources)
  const heardOf = Promise.withResolvers<void>()
  const hearing = (source: LeafSource) => (state: ReflectorState) => {
    if (state.kind !== 'connecting') unheardOf.delete(source)
    if (unheardOf.size === 0) heardOf.resolve()
    onState(source, state)
  }
  const storage = {
    classes: new Informer({ client, resource: storageClasses, onState: hearing('storageclasses') }),
    drivers: new Informer({ client, resource: csiDrivers, onState: hearing('csidrivers') }),
    capacities: new Informer({ client, resource: csiStorageCapacities, onState: hearing('csistoragecapacities') }),
  }
  return {
    ...sources,
    configuration,
    storage: { ...storage, heardOf: heardOf.promise },
    run: async (signal) => {
      const all = [...Object.values(sources), ...Object.values(configuration), ...Object.values(storage)]
      await Promise.all(all.map((informer) => informer.run(signal)))
    },
  }
}

/** The fields of a copy that `decide`, `reflect` and `podRequests` read. The rest of its spec is larger and came from the root. */
export function whatIsReflected(pod: Pod): Pod {
  const { apiVersion, kind, metadata, spec, status } = pod
  const { ownerReferences: _, ...identity } = metadata
  const { terminationGracePeriodSeconds, nodeName, ephemeralContainers } = spec
  return {
    apiVersion,
    kind,
    metadata: identity,
    spec: {
      ...requestsOf(spec),
      ...(nodeName && { nodeName }),
      ...(terminationGracePeriodSeconds !== undefined && { terminationGracePeriodSeconds }),
      // Which there are: one that is there cannot be changed.
      ...(ephemeralContainers && { ephemeralContainers: ephemeralContainers.map(({ name }) => ({ name })) }),
    },
    status,
  } as Pod
}

/** The fields of a pod that its share of a node is computed from: what `podRequests` reads, and where it is. */
export function whatTakesRoom({ apiVersion, kind, metadata, spec, status }: Pod): Pod {
  const { name, namespace, uid, resourceVersion } = metadata
  return {
    apiVersion,
    kind,
    metadata: { name, namespace, uid, resourceVersion },
    spec: {
      ...(spec.nodeName && { nodeName: spec.nodeName }),
      ...requestsOf(spec),
    },
    status: {
      ...(status?.phase && { phase: status.phase }),
      ...resizeOf(status),
    },
    // A pod of the API has more fields, and nobody reads them here.
  } as unknown as Pod
}

function requestsOf({ containers, initContainers, overhead, resources }: Pod['spec']) {
  const resourcesOf = (containers: Pod['spec']['containers']) =>
    containers.map(({ name, resources, restartPolicy }) => ({
      name,
      ...(resources?.requests && { resources: { requests: resources.requests } }),
      ...(restartPolicy && { restartPolicy }),
    }))
  return {
    containers: resourcesOf(containers),
    ...(initContainers && { initContainers: resourcesOf(initContainers) }),
    ...(overhead && { overhead }),
    ...(resources && { resources }),
  }
}

/** What a resize under way holds (KEP-1287); most pods have none of it. */
function resizeOf({ conditions, containerStatuses, initContainerStatuses }: NonNullable<Pod['status']> = {}) {
  const pending = (conditions ?? []).filter(({ type }) => type === 'PodResizePending')
  const heldBy = (statuses: typeof containerStatuses = []) =>
    statuses.flatMap(({ name, resources, allocatedResources }) => {
      const requests = resources?.requests
      if (!requests && !allocatedResources) return []
      return [{ name, ...(requests && { resources: { requests } }), ...(allocatedResources && { allocatedResources }) }]
    })
  const [held, heldByInit] = [heldBy(containerStatuses), heldBy(initContainerStatuses)]
  return {
    ...(pending.length > 0 && { conditions: pending.map(({ type, status, reason }) => ({ type, status, reason })) }),
    ...(held.length > 0 && { containerStatuses: held }),
    ...(heldByInit.length > 0 && { initContainerStatuses: heldByInit }),
  }
}
