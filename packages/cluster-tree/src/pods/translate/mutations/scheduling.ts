import { clusterSelectorAnnotation } from '@kosmos/api'
import type { PodSpec } from '@kosmos/kube'
import { type PodMutation, type Translation, withSpec } from '../translation.ts'
import { type ClusterSelector, parseClusterSelector } from './cluster-selector.ts'

type Affinity = NonNullable<PodSpec['affinity']>
type PodAffinity = NonNullable<Affinity['podAffinity']>
type PodAffinityTerm = NonNullable<PodAffinity['requiredDuringSchedulingIgnoredDuringExecution']>[number]
type Spread = NonNullable<PodSpec['topologySpreadConstraints']>[number]
type LabelSelector = NonNullable<Spread['labelSelector']>

/** Node labels that mean the same in every cluster. */
const sharedTopologyKeys = new Set([
  'kubernetes.io/hostname',
  'topology.kubernetes.io/zone',
  'topology.kubernetes.io/region',
])

/**
 * One rule for what constrains a pod to nodes:
 * - nodeSelector, node affinity and tolerations mean the root's nodes. They were met by choosing the virtual node, and are not
 *   sent, but for what `carryPatience` says; the leaf's admission adds its own default tolerations.
 * - Affinity and anti-affinity between pods are sent: they go on holding between the pods of one leaf.
 * - Spread is sent as a preference, and only over keys that mean the same in every cluster: over virtual nodes it was met by
 *   the root's scheduler, within a leaf a label that its nodes lack must not make the pod unschedulable.
 * - What the annotation `kosmos.io/cluster-selector` gives means the leaf's nodes and replaces the pod's.
 */
export const constrainToLeaf: PodMutation = (translation, root) => {
  const { nodeSelector, tolerations, affinity, topologySpreadConstraints, ...spec } = translation.pod.spec
  const selector = parseClusterSelector(root.metadata.annotations?.[clusterSelectorAnnotation])
  if ('problem' in selector) return refused(translation, selector.problem)
  return withSpec(translation, { ...spec, ...leafConstraints({ affinity, topologySpreadConstraints }, selector) })
}

function refused(translation: Translation, problem: string): Translation {
  const message = `annotation ${clusterSelectorAnnotation}: ${problem}`
  return { ...translation, problems: [...translation.problems, { reason: 'InvalidClusterSelector', message }] }
}

interface Constraints {
  readonly affinity: PodSpec['affinity'] | undefined
  readonly topologySpreadConstraints: PodSpec['topologySpreadConstraints'] | undefined
}

function leafConstraints(pod: Constraints, selector: ClusterSelector): Partial<PodSpec> {
  const affinity = leafAffinity(pod.affinity, selector.affinity)
  const spread = selector.topologySpreadConstraints ?? leafSpread(pod.topologySpreadConstraints)
  return {
    ...(selector.nodeSelector && { nodeSelector: selector.nodeSelector }),
    ...(selector.tolerations && { tolerations: selector.tolerations }),
    ...(affinity && { affinity }),
    ...(spread && { topologySpreadConstraints: spread }),
  }
}

function leafAffinity(pod: Affinity | undefined, selector: Affinity | undefined): Affinity | undefined {
  const affinity = {
    ...(pod?.podAffinity && { podAffinity: podTerms(pod.podAffinity) }),
    ...(pod?.podAntiAffinity && { podAntiAffinity: podTerms(pod.podAntiAffinity) }),
    ...selector,
  }
  return Object.keys(affinity).length > 0 ? affinity : undefined
}

function leafSpread(constraints: readonly Spread[] | undefined): readonly Spread[] | undefined {
  const kept = constraints
    ?.filter(({ topologyKey }) => sharedTopologyKeys.has(topologyKey))
    // Two constraints may not have the same topologyKey and whenUnsatisfiable, which softening can bring about.
    .filter(({ topologyKey }, i, all) => all.findIndex((other) => other.topologyKey === topologyKey) === i)
    .map(soften)
  return kept?.length ? kept : undefined
}

function soften({ minDomains, matchLabelKeys, ...constraint }: Spread): Spread {
  const keys = unmerged(matchLabelKeys, constraint.labelSelector)
  return { ...constraint, whenUnsatisfiable: 'ScheduleAnyway', ...(keys && { matchLabelKeys: keys }) }
}

function podTerms(affinity: PodAffinity): PodAffinity {
  const { requiredDuringSchedulingIgnoredDuringExecution: required } = affinity
  const { preferredDuringSchedulingIgnoredDuringExecution: preferred } = affinity
  return {
    ...(required && { requiredDuringSchedulingIgnoredDuringExecution: required.map(withoutMergedKeys) }),
    ...(preferred && {
      preferredDuringSchedulingIgnoredDuringExecution: preferred.map((weighted) => ({
        ...weighted,
        podAffinityTerm: withoutMergedKeys(weighted.podAffinityTerm),
      })),
    }),
  }
}

function withoutMergedKeys({ matchLabelKeys, mismatchLabelKeys, ...term }: PodAffinityTerm): PodAffinityTerm {
  const match = unmerged(matchLabelKeys, term.labelSelector)
  const mismatch = unmerged(mismatchLabelKeys, term.labelSelector)
  return { ...term, ...(match && { matchLabelKeys: match }), ...(mismatch && { mismatchLabelKeys: mismatch }) }
}

/**
 * The (mis)matchLabelKeys that the root's API server has not merged into the label selector yet. The leaf's would merge the
 * others again and then refuse them as given twice (upstream pkg/apis/core/validation, "exists in both matchLabelKeys and
 * labelSelector").
 */
function unmerged(keys: readonly string[] | undefined, selector: LabelSelector | undefined) {
  const left = keys?.filter((key) => !selector?.matchExpressions?.some((expression) => expression.key === key))
  return left?.length ? left : undefined
}
