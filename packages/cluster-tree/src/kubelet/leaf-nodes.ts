import type { Connection, Node, Pod } from '@kosmos/kube'
import type { CopyIdentity, LeafNodes } from '@kosmos/kubelet'
import { isReady } from '../nodes/capacity.ts'
import { isCopyOf } from '../pods/decide.ts'

export interface LeafNodesOptions {
  readonly connection: Connection
  /** The leaf nodes that the virtual node stands for. */
  readonly members: { list(): Iterable<Node> }
  readonly rootPods: { list(): Iterable<Pod> }
  /** Our copies in the leaf. */
  readonly leafPods: { get(key: string): Pod | undefined }
}

/** The leaf nodes of a virtual node for the figures that their kubelets have of our pods. */
export function leafNodes({ connection, members, rootPods, leafPods }: LeafNodesOptions): LeafNodes {
  return {
    connection,
    *names() {
      // The API server would wait for the others until the scraper has given up.
      for (const node of members.list()) if (isReady(node)) yield node.metadata.name
    },
    copies() {
      const copies = new Map<string, CopyIdentity>()
      for (const root of rootPods.list()) {
        const { namespace, name, uid } = root.metadata
        const copy = leafPods.get(`${namespace}/${name}`)
        if (copy && isCopyOf(copy, root))
          copies.set(`${namespace}/${name}`, { rootUid: uid, leafUid: copy.metadata.uid })
      }
      return copies
    },
  }
}
