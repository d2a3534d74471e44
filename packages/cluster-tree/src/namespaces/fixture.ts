import { rootClusterLabel } from '@kosmos/api'
import { type Client, Informer, type KubeObject, namespaces } from '@kosmos/kube'
import { LeafNamespaces } from './controller.ts'

/** The namespaces of a leaf, for tests; `run` follows both sides. */
export function startNamespaces(root: Client, leaf: Client, rootClusterId: string) {
  const kept: string[] = []
  const failures: string[] = []
  const labelSelector = `${rootClusterLabel}=${rootClusterId}`
  const informer = (client: Client, labelSelector?: string) =>
    new Informer<KubeObject>({ client, resource: namespaces, labelSelector, metadataOnly: true })
  const [rootNamespaces, leafNamespaces] = [informer(root), informer(leaf, labelSelector)]
  const copies = new LeafNamespaces({
    root,
    leaf,
    rootClusterId,
    rootNamespaces,
    leafNamespaces,
    keptMs: 100,
    onKept: (namespace, why) => kept.push(`${namespace}: ${why}`),
    onReconcile: ({ error }) => error && failures.push(error.message),
  })
  return {
    copies,
    kept,
    failures,
    run: async (signal: AbortSignal) => {
      await Promise.all([rootNamespaces, leafNamespaces, copies.controller].map((each) => each.run(signal)))
    },
  }
}
