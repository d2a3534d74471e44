import { type PodMutation, withSpec } from '../translation.ts'

/**
 * Calls the priority class what the Cluster says that it is in the leaf. Admission there computes the number and the preemption policy
 * from the class, refuses a pod that brings its own, and one whose class is missing. A class of which the Cluster says nothing is
 * left out, but for the `system-` classes, which exist in every cluster.
 */
export const translatePriority: PodMutation = (translation, _root, { clusterName, priorityClasses = {} }) => {
  const { priority, preemptionPolicy, priorityClassName: ofRoot = '', ...spec } = translation.pod.spec
  const named = Object.hasOwn(priorityClasses, ofRoot) ? priorityClasses[ofRoot] : undefined
  const ofLeaf = named ?? (ofRoot.startsWith('system-') ? ofRoot : undefined)
  if (ofLeaf) return withSpec(translation, { ...spec, priorityClassName: ofLeaf })
  if (!ofRoot || named !== undefined) return withSpec(translation, spec)
  const message = `PriorityClass ${ofRoot} is the root's, and Cluster ${clusterName} does not say what it is called in the leaf (priorityClasses): there the pod has the leaf's default priority`
  return {
    ...withSpec(translation, spec),
    omissions: [...translation.omissions, { reason: 'PriorityClassOmitted', message }],
  }
}
