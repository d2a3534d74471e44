import type { Deployment } from '../clusters/resources.ts'

/** How far a Deployment is with what was asked of it last. */
export type Rollout =
  | { readonly state: 'done' }
  | { readonly state: 'under way'; readonly note: string }
  /** Its controller has given up waiting for pods of the new version. */
  | { readonly state: 'stuck'; readonly note: string }

/**
 * Whether the pods of a Deployment are those of its current template, and available: old ones that are ready count for
 * nothing. Pure; as `kubectl rollout status` (kubectl/pkg/polymorphichelpers/rollout_status.go).
 */
export function rolloutOf({ metadata, spec, status = {} }: Deployment): Rollout {
  if ((metadata.generation ?? 0) > (status.observedGeneration ?? 0))
    return { state: 'under way', note: 'not looked at by its controller yet' }
  const progressing = status.conditions?.find(({ type }) => type === 'Progressing')
  if (progressing?.reason === 'ProgressDeadlineExceeded') return { state: 'stuck', note: progressing.message ?? '' }
  const wanted = spec.replicas ?? 1
  const { updatedReplicas = 0, replicas = 0, availableReplicas = 0 } = status
  if (updatedReplicas < wanted) return { state: 'under way', note: `${updatedReplicas} of ${wanted} are new` }
  if (replicas > updatedReplicas)
    return { state: 'under way', note: `${replicas - updatedReplicas} old ones have to go` }
  if (availableReplicas < updatedReplicas)
    return { state: 'under way', note: `${availableReplicas} of ${updatedReplicas} are available` }
  return { state: 'done' }
}
