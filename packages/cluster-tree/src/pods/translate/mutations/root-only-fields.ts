import { type PodMutation, withSpec } from '../translation.ts'

/**
 * Drops what belongs to the root object. Of the metadata only name, namespace, labels and annotations were taken over to begin
 * with: uid, resourceVersion, generateName, ownerReferences (the owners live in the root), finalizers (kept in the root, they
 * would only block the leaf) and the deletion fields never reach a leaf, and neither does the status.
 */
export const dropRootOnlyFields: PodMutation = (translation) => {
  const {
    nodeName, // the virtual node, which the leaf does not have
    schedulerName, // a scheduler of the root; the leaf's default one takes over
    schedulingGates, // all removed by the time a pod is bound, and refused together with a node
    schedulingGroup, // gang scheduling was done by the root's scheduler, its PodGroup is not in the leaf
    overhead, // set by RuntimeClass admission; the leaf's own refuses a value that differs from its class
    evictionResponders, // watch evictions in the root (KEP-4563); in the leaf, a drain would wait for each in vain
    ephemeralContainers, // refused on creation, they come through their subresource
    ...spec
  } = translation.pod.spec
  return withSpec(translation, spec)
}
