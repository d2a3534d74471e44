import { rootClusterLabel } from '@kosmos/api'
import { type Client, configMaps, Informer, type KubeObject, type Pod, type Resource, secrets } from '@kosmos/kube'
import { versionOnly } from '../copies/identity.ts'
import { copyInformer } from '../copies/informer.ts'
import { startNamespaces } from '../namespaces/fixture.ts'
import { ConfigurationCopies } from './controller.ts'
import { ConfigurationRegistry } from './registry.ts'

const rootClusterId = 'root-1'

/** One life of the process: what it watches, knows and does. */
export function startCopies(root: Client, leaf: Client, registered: Promise<void> = Promise.resolve()) {
  const stop = new AbortController()
  const registry = new ConfigurationRegistry()
  const woken: string[] = []
  const told: string[] = []
  const watching: Promise<void>[] = []
  const both = <T extends KubeObject>(informerOf: (resource: Resource) => Informer<T>) => {
    const sources = { configmaps: informerOf(configMaps), secrets: informerOf(secrets) }
    for (const informer of Object.values(sources)) watching.push(informer.run(stop.signal))
    return sources
  }
  const rootSources = both<KubeObject>(
    (resource) => new Informer({ client: root, resource, metadataOnly: 'list', transform: versionOnly }),
  )
  const labelSelector = `${rootClusterLabel}=${rootClusterId}`
  const leafSources = both((resource) => copyInformer({ client: leaf, resource, labelSelector }))
  const copies = new ConfigurationCopies({
    root,
    leaf,
    rootClusterId,
    rootSources,
    leafSources,
    registry,
    heldBack: () => false,
    namespaces: startNamespaces(root, leaf, rootClusterId).copies,
    registered,
    wake: (pod) => woken.push(pod),
    clusterName: 'east',
    rootPods: { get: (pod) => ({ kind: 'Pod', metadata: { name: pod } }) as Pod },
    events: {
      record: ({ kind, metadata }, { reason, note }) => told.push(`${kind} ${metadata?.name}: ${reason}: ${note}`),
    },
  })
  const running = copies.controller.run(stop.signal)
  return {
    copies,
    woken,
    told,
    synced: Promise.all(
      [rootSources, leafSources].flatMap(({ configmaps, secrets }) => [configmaps.synced, secrets.synced]),
    ),
    need: (pod: string, ...keys: string[]) => {
      for (const key of registry.set(pod, keys)) copies.enqueue(key)
    },
    /** Needs what it can do without. */
    wish: (pod: string, key: string) => {
      for (const turned of registry.set(pod, [key], [key])) copies.enqueue(turned)
    },
    end: async () => {
      stop.abort()
      await Promise.all([running, ...watching])
    },
  }
}
