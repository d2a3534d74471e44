import type { PodSpec } from '@kosmos/kube'
import { ownTolerations } from '../../../leaf-loss/held-tolerations.ts'
import { type PodMutation, withSpec } from '../translation.ts'

type NodeAffinity = NonNullable<NonNullable<PodSpec['affinity']>['nodeAffinity']>
type Term = NonNullable<NodeAffinity['requiredDuringSchedulingIgnoredDuringExecution']>['nodeSelectorTerms'][number]

/**
 * The copy runs where its virtual node stands for. One leaf node: there, as the root's scheduler decided, with the tolerations
 * that it looked at, unless something only the leaf's scheduler can settle is needed (volumes, what the user asks of leaf nodes) and it has to be asked.
 * A group: one of its nodes.
 */
export const placeAtHome: PodMutation = (translation, root, { home }) => {
  const { spec } = translation.pod
  switch (home.kind) {
    case 'cluster':
      return translation
    case 'node': {
      const { tolerations = ownTolerations(root) } = spec
      const tolerant = { ...spec, ...(tolerations.length > 0 && { tolerations }) }
      return withSpec(
        translation,
        needsScheduler(spec)
          ? restricted(tolerant, {
              matchFields: [{ key: 'metadata.name', operator: 'In', values: [home.leafNode] }],
            })
          : { ...tolerant, nodeName: home.leafNode },
      )
    }
    case 'group': {
      const { matchLabels = {}, matchExpressions = [] } = home.labelSelector
      const labels = Object.entries(matchLabels).map(([key, value]) => ({ key, operator: 'In', values: [value] }))
      const expressions = [...labels, ...matchExpressions]
      // A term without any expression selects nothing.
      return expressions.length > 0
        ? withSpec(translation, restricted(spec, { matchExpressions: expressions }))
        : translation
    }
  }
}

/** Whom a pod that is bound already would wait for in vain. */
function needsScheduler({ volumes = [], nodeSelector, affinity }: PodSpec): boolean {
  if (nodeSelector || affinity?.nodeAffinity) return true
  return volumes.some((volume) => volume.persistentVolumeClaim ?? volume.ephemeral)
}

/** Terms are alternatives, so each of those that are there is narrowed. */
function restricted(spec: PodSpec, term: Term): PodSpec {
  const { affinity = {} } = spec
  const required = affinity.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
  const nodeSelectorTerms = required?.nodeSelectorTerms.map((other) => narrowed(other, term)) ?? [term]
  const nodeAffinity = {
    ...affinity.nodeAffinity,
    requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms },
  }
  return { ...spec, affinity: { ...affinity, nodeAffinity } }
}

/** A term without any expression selects nothing, and goes on doing so. */
function narrowed(term: Term, { matchExpressions, matchFields }: Term): Term {
  if (!term.matchExpressions?.length && !term.matchFields?.length) return term
  return {
    ...both('matchExpressions', term.matchExpressions, matchExpressions),
    ...both('matchFields', term.matchFields, matchFields),
  }
}

type Expressions = NonNullable<Term['matchExpressions']>

function both(field: 'matchExpressions' | 'matchFields', a: Expressions = [], b: Expressions = []): Term {
  const all = [...a, ...b]
  return all.length > 0 ? { [field]: all } : {}
}
