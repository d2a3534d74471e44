import { rootClusterLabel } from '@kosmos/api'
import {
  type Client,
  configMaps,
  Informer,
  type KubeObject,
  type Node,
  nodes,
  type Pod,
  pods,
  type ReflectorState,
  type Resource,
  secrets,
} from '@kosmos/kube'
import type { ConfigurationSources } from '../configuration/controller.ts'

/** What is watched in a leaf. What is not ours is not received, but for what capacity needs to know of other pods. */
export interface LeafSources {
  /** Our copies, whole. */
  readonly pods: Informer<Pod>
  /** The pods of others that take room: running or about to, without what capacity does not read. */
  readonly foreignPods: Informer<Pod>
  readonly nodes: Informer<Node>
  readonly configuration: ConfigurationSources
  run(signal: AbortSignal): Promise<void>
}

export function watchLeaf(
  client: Client,
  rootClusterId: string,
  onPodsState: (state: ReflectorState) => void,
): LeafSources {
  const ours = `${rootClusterLabel}=${rootClusterId}`
  const metadata = (resource: Resource) =>
    new Informer<KubeObject>({ client, resource, labelSelector: ours, metadataOnly: true })
  const sources = {
    pods: new Informer({ client, resource: pods, labelSelector: ours, onState: onPodsState }),
    foreignPods: new Informer({
      client,
      resource: pods,
      labelSelector: `${rootClusterLabel}!=${rootClusterId}`,
      fieldSelector: 'spec.nodeName!=,status.phase!=Succeeded,status.phase!=Failed',
      transform: whatTakesRoom,
    }),
    nodes: new Informer({ client, resource: nodes, transform: withoutImages }),
  }
  const configuration = { configmaps: metadata(configMaps), secrets: metadata(secrets) }
  return {
    ...sources,
    configuration,
    run: async (signal) => {
      const all = [...Object.values(sources), ...Object.values(configuration)]
      await Promise.all(all.map((informer) => informer.run(signal)))
    },
  }
}

/** The fields of a pod that its share of a node is computed from. */
function whatTakesRoom({ apiVersion, kind, metadata, spec, status }: Pod): Pod {
  const { name, namespace, uid, resourceVersion, labels } = metadata
  const resourcesOf = (containers: Pod['spec']['containers'] = []) =>
    containers.map(({ name, resources, restartPolicy }) => ({
      name,
      ...(resources && { resources }),
      ...(restartPolicy && { restartPolicy }),
    }))
  return {
    apiVersion,
    kind,
    metadata: { name, namespace, uid, resourceVersion, labels },
    spec: {
      nodeName: spec.nodeName,
      containers: resourcesOf(spec.containers),
      initContainers: resourcesOf(spec.initContainers),
      overhead: spec.overhead,
      resources: spec.resources,
    },
    status: { phase: status?.phase },
  } as Pod
}

/** A node lists every image it holds: kilobytes that change often and nobody reads. */
function withoutImages(node: Node): Node {
  const { managedFields: _, ...metadata } = node.metadata
  const { images: __, ...status } = node.status ?? {}
  return { ...node, metadata, status } as Node
}
