import type { Connection, Informer, Node, Pod } from '@kosmos/kube'
import type { CopyIdentity, LeafNodes } from '@kosmos/kubelet'
import { isReady } from '../nodes/capacity.ts'
import { rootUidOf } from '../pods/decide.ts'

export interface LeafNodesOptions {
  readonly connection: Connection
  readonly nodes: Pick<Informer<Node>, 'store'>
  readonly rootPods: { list(): Iterable<Pod> }
  /** Our copies in the leaf. */
  readonly leafPods: { get(key: string): Pod | undefined }
}

/** The nodes of a leaf for the figures that their kubelets have of our pods. */
export function leafNodes({ connection, nodes, rootPods, leafPods }: LeafNodesOptions): LeafNodes {
  return {
    connection,
    *names() {
      // The API server would wait for the others until the scraper has given up.
      for (const node of nodes.store.values()) if (isReady(node)) yield node.metadata.name
    },
    copies() {
      const copies = new Map<string, CopyIdentity>()
      for (const { metadata } of rootPods.list()) {
        const key = `${metadata.namespace}/${metadata.name}`
        const copy = leafPods.get(key)
        if (!copy || rootUidOf(copy) !== metadata.uid) continue
        copies.set(key, { rootUid: metadata.uid, leafUid: copy.metadata.uid })
      }
      return copies
    },
  }
}
