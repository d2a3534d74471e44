/** What is left of a Cluster that is being deleted. */
export interface TeardownView {
  /** Root pods bound to its virtual nodes. */
  readonly rootPods: number
  /** Pods, ConfigMaps and Secrets in the leaf that are ours; undefined if the leaf cannot be asked. */
  readonly leafObjects: number | undefined
  readonly virtualNodes: number
}

export type TeardownStep =
  /** Delete the root pods and wait for them; their copies in the leaf go with them. */
  | { readonly kind: 'drain'; readonly left: number }
  | { readonly kind: 'waitForLeaf'; readonly message: string }
  | { readonly kind: 'removeVirtualNodes' }
  | { readonly kind: 'finish' }

/**
 * The next step of a Cluster's removal. The order is such that nothing of ours stays behind in the leaf, and that the
 * virtual node goes last: without it, the root's pod garbage collector would force-delete its pods.
 */
export function nextTeardownStep({ rootPods, leafObjects, virtualNodes }: TeardownView): TeardownStep {
  // Nothing was ever set up: there is nothing to ask the leaf for.
  if (virtualNodes === 0 && rootPods === 0 && leafObjects === undefined) return { kind: 'finish' }
  if (leafObjects === undefined) {
    return {
      kind: 'waitForLeaf',
      message: 'the leaf cannot be asked to remove what is ours there; kosmosctl unjoin --force gives up on it',
    }
  }
  if (rootPods > 0) return { kind: 'drain', left: rootPods }
  if (leafObjects > 0) return { kind: 'waitForLeaf', message: `${leafObjects} objects of ours are still in the leaf` }
  if (virtualNodes > 0) return { kind: 'removeVirtualNodes' }
  return { kind: 'finish' }
}
