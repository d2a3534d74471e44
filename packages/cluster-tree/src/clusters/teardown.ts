/** What is left of a Cluster that is being deleted. */
export interface TeardownView {
  /** Root pods bound to its virtual nodes. */
  readonly rootPods: number
  /** Those among them that a DaemonSet makes again as long as the node is there. */
  readonly daemonPods: number
  /** Pods, ConfigMaps and Secrets in the leaf that are ours; undefined if the leaf cannot be asked. */
  readonly leafObjects: number | undefined
  readonly virtualNodes: number
  /** Whether the leaf has ever been reached and let in; if not, nothing of ours can be there. */
  readonly wasUsed: boolean
}

export type TeardownStep =
  /** Delete the root pods and wait for them; their copies in the leaf go with them. */
  | { readonly kind: 'drain'; readonly left: number }
  | { readonly kind: 'wait'; readonly message: string }
  | { readonly kind: 'removeVirtualNodes' }
  | { readonly kind: 'finish' }

/**
 * The next step of a Cluster's removal. The order is such that nothing of ours stays behind in the leaf, and that the
 * virtual node goes last: without it, the root's pod garbage collector force-deletes its pods. Only for pods of
 * DaemonSets, which nothing else ends, that is just what is wanted.
 */
export function nextTeardownStep(view: TeardownView): TeardownStep {
  const { rootPods, daemonPods, leafObjects, virtualNodes, wasUsed } = view
  if (leafObjects === undefined) {
    if (!wasUsed && virtualNodes === 0 && rootPods === 0) return { kind: 'finish' }
    return {
      kind: 'wait',
      message: 'the leaf cannot be asked to remove what is ours there; kosmosctl unjoin --force gives up on it',
    }
  }
  if (rootPods > daemonPods) return { kind: 'drain', left: rootPods - daemonPods }
  if (daemonPods > 0 && virtualNodes > 0) return { kind: 'removeVirtualNodes' }
  if (rootPods > 0) return { kind: 'wait', message: `${rootPods} pods of DaemonSets are being ended` }
  if (leafObjects > 0) return { kind: 'wait', message: `${leafObjects} objects of ours are still in the leaf` }
  if (virtualNodes > 0) return { kind: 'removeVirtualNodes' }
  return { kind: 'finish' }
}
