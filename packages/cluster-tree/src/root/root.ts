import { clusterLabel, systemNamespace } from '@kosmos/api'
import {
  type Client,
  type ClusterTrustBundle,
  type CSIDriver,
  type CSINode,
  clusters,
  configMaps,
  csiDrivers,
  csiNodes,
  type EndpointSlice,
  endpointSlices,
  Informer,
  type KubeObject,
  namespaces,
  type PodCertificateRequest,
  podCertificateRequests,
  type Resource,
  type Secret,
  type Service,
  type StoredCluster,
  secrets,
  servedResource,
  services,
} from '@kosmos/kube'
import type { ConfigurationSources } from '../configuration/controller.ts'
import { versionOnly } from '../copies/identity.ts'
import { handWritten, podKeysOf, serviceKeyOf } from '../endpoints/copy.ts'
import { ServiceSlices } from '../links/service-slices.ts'
import { virtualNodeInformer, type WatchedNode } from '../nodes/watched-node.ts'
import { bundleResources, TrustBundles } from '../trust/bundles.ts'
import type { RootVolumes } from '../volumes/placement.ts'
import { watchVolumes } from '../volumes/root-volumes.ts'
import { BoundPods } from './bound-pods.ts'
import type { EventSink } from './events.ts'

/** The root cluster as all leaves share it: one set of watches, however many leaves there are. */
export interface Root {
  readonly client: Client
  /** uid of its kube-system namespace. */
  readonly clusterId: string
  readonly clusters: Informer<StoredCluster>
  /** Secrets of our own namespace, with content: the leaves' credentials. */
  readonly credentials: Informer<Secret>
  readonly virtualNodes: Informer<WatchedNode>
  readonly namespaces: Informer<KubeObject>
  readonly boundPods: BoundPods
  readonly configuration: ConfigurationSources
  readonly services: Informer<Service, 'namespace'>
  /** Those that no controller of the root makes of pods. */
  readonly endpointSlices: Informer<EndpointSlice, 'service' | 'pod'>
  /** Those that it makes of selectors, while a cluster is linked. */
  readonly serviceSlices: ServiceSlices
  readonly volumes: RootVolumes
  readonly drivers: Informer<CSIDriver>
  /** Those of virtual nodes. */
  readonly csiNodes: Informer<CSINode>
  /** Undefined: it serves none. */
  readonly trustBundles: TrustBundles | undefined
  /** Those that we made as virtual nodes; undefined: it does not serve them. */
  readonly certificateRequests: Informer<PodCertificateRequest> | undefined
  readonly events: EventSink
  /** Follows everything until the signal aborts. */
  run(signal: AbortSignal): Promise<void>
}

/** Reads the root's identity and sets up its watches. Throws if the root cannot be reached. */
export async function connectRoot(client: Client, events: EventSink): Promise<Root> {
  const system = await client.get(namespaces, { name: 'kube-system' })
  if (!system) throw new Error(`${client.name}: there is no namespace kube-system, whose uid identifies the cluster`)
  const metadata = (resource: Resource) => new Informer<KubeObject>({ client, resource, metadataOnly: true })
  const boundPods = new BoundPods(client)
  const serviceSlices = new ServiceSlices(client)
  const trustBundles = await watchTrustBundles(client)
  const certificateRequests = (await servedResource(client, [podCertificateRequests])) && watchRequests(client)
  const informers = {
    clusters: new Informer({ client, resource: clusters }),
    credentials: new Informer({ client, resource: secrets, namespace: systemNamespace }),
    virtualNodes: virtualNodeInformer(client),
    namespaces: metadata(namespaces),
    drivers: new Informer({ client, resource: csiDrivers }),
    csiNodes: new Informer({ client, resource: csiNodes, labelSelector: clusterLabel }),
    services: new Informer({
      client,
      resource: services,
      indexes: { namespace: ({ metadata }: Service) => [metadata.namespace ?? ''] },
    }),
    endpointSlices: new Informer({
      client,
      resource: endpointSlices,
      labelSelector: handWritten,
      indexes: { service: (slice: EndpointSlice) => [serviceKeyOf(slice)], pod: podKeysOf },
    }),
  }
  const volumes = watchVolumes(client)
  const versions = (resource: Resource) =>
    new Informer<KubeObject>({ client, resource, metadataOnly: 'list', transform: versionOnly })
  const configuration = { configmaps: versions(configMaps), secrets: versions(secrets) }
  return {
    client,
    clusterId: system.metadata.uid,
    ...informers,
    serviceSlices,
    boundPods,
    configuration,
    volumes,
    trustBundles,
    certificateRequests,
    events,
    run: async (signal) => {
      const all = [
        ...Object.values(informers),
        ...Object.values(configuration),
        ...Object.values(volumes),
        boundPods.informer,
        serviceSlices,
        ...(trustBundles ? [trustBundles.informer] : []),
        ...(certificateRequests ? [certificateRequests] : []),
      ]
      await Promise.all(all.map((informer) => informer.run(signal)))
    },
  }
}

async function watchTrustBundles(client: Client): Promise<TrustBundles | undefined> {
  const resource = await servedResource(client, bundleResources)
  if (!resource) return undefined
  const indexes = { signer: ({ spec }: ClusterTrustBundle) => [spec.signerName ?? ''] }
  return new TrustBundles(new Informer({ client, resource, indexes }))
}

/** Those of real nodes are not received. */
function watchRequests(client: Client): Informer<PodCertificateRequest> {
  return new Informer({ client, resource: podCertificateRequests, labelSelector: clusterLabel })
}
