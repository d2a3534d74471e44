import type { Connection, Pod } from '@kosmos/kube'
import type { NodePods } from '@kosmos/kubelet'
import { isCopyOf } from '../pods/decide.ts'

export interface NodePodsOptions {
  readonly nodeName: string
  readonly rootPods: { get(key: string): Pod | undefined; list(): Iterable<Pod> }
  /** Our copies in the leaf. */
  readonly leafPods: { get(key: string): Pod | undefined }
  readonly connection: Connection
}

/**
 * The pods of one virtual node, and where in the leaf the copy of each is. The leaf may have another pod under that name, a
 * foreign one or one of an earlier incarnation: nobody gets into that one by way of the root.
 */
export function nodePods({ nodeName, rootPods, leafPods, connection }: NodePodsOptions): NodePods {
  return {
    list: () => rootPods.list(),
    locate({ namespace, pod, uid }) {
      const key = `${namespace}/${pod}`
      const root = rootPods.get(key)
      if (root?.spec.nodeName !== nodeName || (uid !== undefined && root.metadata.uid !== uid)) {
        return { kind: 'absent', message: `pod ${key} is not on node ${nodeName}` }
      }
      const leaf = leafPods.get(key)
      if (!leaf || !isCopyOf(leaf, root)) {
        return { kind: 'absent', message: `pod ${key} is not in cluster ${connection.name} yet` }
      }
      return { kind: 'found', connection, namespace, name: pod, nodeName: leaf.spec.nodeName }
    },
  }
}
