import { type PodMutation, withSpec } from '../translation.ts'

/**
 * Drops the priority. Admission in the leaf computes the number and the preemption policy from the class and refuses a pod that
 * brings its own; a class that the leaf lacks is refused as well. The `system-` classes exist in every cluster and stay.
 */
export const dropPriority: PodMutation = (translation) => {
  const { priority, preemptionPolicy, priorityClassName, ...spec } = translation.pod.spec
  if (!priorityClassName) return withSpec(translation, spec)
  if (priorityClassName.startsWith('system-')) return withSpec(translation, { ...spec, priorityClassName })
  const message = `PriorityClass ${priorityClassName} is the root's: in the leaf the pod has the leaf's default priority`
  return {
    ...withSpec(translation, spec),
    omissions: [...translation.omissions, { reason: 'PriorityClassOmitted', message }],
  }
}
