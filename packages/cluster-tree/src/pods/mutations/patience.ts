import { type PodSpec, toleratesTaint } from '@kosmos/kube'
import { lostNodeTaints, ownTolerations } from '../../leaf-loss/held-tolerations.ts'
import { type PodMutation, withSpec } from '../translation.ts'

type Toleration = NonNullable<PodSpec['tolerations']>[number]

/** What admission gives a pod that says nothing (upstream plugin/pkg/admission/defaulttolerationseconds). */
const DEFAULT_SECONDS = 300

/**
 * The leaf waits as long for a node of its own that it has lost as the pod bears the loss of its node. A pod that bears it as long
 * as one that says nothing is left to the defaults of the leaf; one that has tolerations already means the leaf's nodes by them.
 */
export const carryPatience: PodMutation = (translation, root) => {
  const { spec } = translation.pod
  if (spec.tolerations) return translation
  const tolerations = patienceOf(ownTolerations(root))
  return tolerations.length > 0 ? withSpec(translation, { ...spec, tolerations }) : translation
}

/** The first that fits a taint is the one that counts (upstream pkg/controller/tainteviction, getMinTolerationTime). */
function patienceOf(own: readonly Toleration[]): Toleration[] {
  return lostNodeTaints.flatMap((taint) => {
    const first = own.find((toleration) => toleratesTaint(toleration, taint))
    if (!first || first.tolerationSeconds === DEFAULT_SECONDS) return []
    const { tolerationSeconds } = first
    return [{ ...taint, operator: 'Exists', ...(tolerationSeconds !== undefined && { tolerationSeconds }) }]
  })
}
