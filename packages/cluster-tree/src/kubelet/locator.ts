import type { Connection, Pod } from '@kosmos/kube'
import type { PodLocator } from '@kosmos/kubelet'
import { rootUidOf } from '../pods/decide.ts'

export interface LocatorOptions {
  readonly nodeName: string
  readonly rootPods: { get(key: string): Pod | undefined }
  /** Our copies in the leaf. */
  readonly leafPods: { get(key: string): Pod | undefined }
  readonly connection: Connection
}

/**
 * Finds the leaf copy of a root pod of one virtual node. The leaf may have another pod under that name, a foreign one or
 * one of an earlier incarnation: nobody gets into that one by way of the root.
 */
export function locatorFor({ nodeName, rootPods, leafPods, connection }: LocatorOptions): PodLocator {
  return {
    locate({ namespace, pod, uid }) {
      const key = `${namespace}/${pod}`
      const root = rootPods.get(key)
      if (root?.spec.nodeName !== nodeName || (uid !== undefined && root.metadata.uid !== uid)) {
        return { kind: 'absent', message: `pod ${key} is not on node ${nodeName}` }
      }
      const leaf = leafPods.get(key)
      if (!leaf || rootUidOf(leaf) !== root.metadata.uid) {
        return { kind: 'absent', message: `pod ${key} is not in cluster ${connection.name} yet` }
      }
      return { kind: 'found', connection, namespace, name: pod }
    },
  }
}
