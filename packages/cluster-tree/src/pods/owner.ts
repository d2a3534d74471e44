import type { Pod } from '@kosmos/kube'

/** A DaemonSet makes its pod again on the same node for as long as the node is there. */
export function isOfDaemonSet({ metadata }: Pod): boolean {
  return metadata.ownerReferences?.some(({ kind, controller }) => kind === 'DaemonSet' && controller) ?? false
}
