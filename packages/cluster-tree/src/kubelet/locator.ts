import type { Connection, Pod } from '@kosmos/kube'
import type { PodLocator } from '@kosmos/kubelet'

/** Finds the leaf copy of a root pod of one virtual node: the same namespace and name, over the leaf's connection. */
export function locatorFor(
  rootPods: { get(key: string): Pod | undefined },
  nodeName: string,
  connection: Connection,
): PodLocator {
  return {
    locate({ namespace, pod }) {
      const root = rootPods.get(`${namespace}/${pod}`)
      if (root?.spec.nodeName !== nodeName) {
        return { kind: 'absent', message: `pod ${namespace}/${pod} is not on node ${nodeName}` }
      }
      return { kind: 'found', connection, namespace, name: pod }
    },
  }
}
