import { patienceAnnotation } from '@kosmos/api'
import { type Pod, type PodSpec, toleratesTaint } from '@kosmos/kube'
import { lostNodeTaints, ownTolerations } from '../../../leaf-loss/held-tolerations.ts'
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
  if (tolerations.length === 0) return translation
  const { pod } = withSpec(translation, { ...spec, tolerations })
  const annotations = { ...pod.metadata.annotations, [patienceAnnotation]: tolerations.map(({ key }) => key).join() }
  return { ...translation, pod: { ...pod, metadata: { ...pod.metadata, annotations } } }
}

/**
 * What the copy has to tolerate because its root pod has come to say no more than the defaults: tolerations cannot be taken away,
 * and the seconds that the leaf would have given are not known any more. @param spec what is translated now
 */
export function patienceAgain(copy: Pod, { tolerations = [] }: PodSpec): readonly Toleration[] {
  const given = copy.metadata.annotations?.[patienceAnnotation]?.split(',') ?? []
  return lostNodeTaints
    .filter((taint) => given.includes(taint.key) && !tolerations.some((one) => toleratesTaint(one, taint)))
    .map((taint) => ({ ...taint, operator: 'Exists', tolerationSeconds: DEFAULT_SECONDS }))
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
