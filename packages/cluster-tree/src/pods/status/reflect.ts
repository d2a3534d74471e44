import { isDeepStrictEqual } from 'node:util'
import { rootGenerationAnnotation } from '@kosmos/api'
import type { Pod, PodSpec, PodStatus } from '@kosmos/kube'
import { restartsBefore } from '../disruption/restarts.ts'
import { deletedInLeaf, reflectConditions } from './conditions.ts'
import { type ContainerStatus, conditionOf, isTerminal, patchOf, type StatusPatch } from './status-patch.ts'

type Fields = { -readonly [K in keyof StatusPatch['status']]: StatusPatch['status'][K] }

/** Fields whose value is the leaf's, as it is. Not: qosClass (immutable), nominatedNodeName and claims (the root's own). */
const scalars = ['phase', 'hostIP', 'podIP', 'startTime', 'resize'] as const
/** Lists that the merge would unite by their key, so they are replaced as a whole. */
const addresses = ['hostIPs', 'podIPs'] as const
/** Lists that the merge replaces as they are. */
const lists = ['volumeHealth'] as const
/** Maps that the merge would unite, so they are replaced as a whole. */
const amounts = ['resources', 'allocatedResources'] as const

/**
 * What to write to the root pod's status so that it says what the leaf pod's says, or undefined when it does already.
 *
 * The caller has made sure that `leaf` is the copy of this incarnation of `root`. The root's phase is never ahead of the
 * leaf's; once terminal it is final, and a leaf pod that says otherwise is not reflected at all.
 */
export function reflect(root: Pod, leaf: Pod): StatusPatch | undefined {
  const from: PodStatus = leaf.status ?? {}
  const to: PodStatus = root.status ?? {}
  if (isTerminal(to) && from.phase !== to.phase) return undefined

  const patch: Fields = {}
  for (const field of scalars) {
    if (from[field] !== to[field]) Object.assign(patch, { [field]: from[field] ?? null })
  }
  for (const field of lists) {
    if (!isDeepStrictEqual(from[field], to[field])) Object.assign(patch, { [field]: from[field] ?? null })
  }
  for (const field of addresses) {
    if (!isDeepStrictEqual(from[field], to[field])) {
      Object.assign(patch, { [field]: from[field] ? [{ $patch: 'replace' }, ...from[field]] : null })
    }
  }
  for (const field of amounts) {
    const [value, present] = [nonEmpty(from[field]), nonEmpty(to[field])]
    if (!isDeepStrictEqual(value, present)) {
      // Where there is nothing to replace, the API server drops a map that is led by the directive.
      Object.assign(patch, { [field]: value ? { ...(present && { $patch: 'replace' }), ...value } : null })
    }
  }
  reflectExplanation(patch, root, leaf)
  reflectContainers(patch, root, from, restartsBefore(leaf))
  const generation = observedGeneration(root, leaf)
  if (generation !== undefined && generation !== to.observedGeneration) patch.observedGeneration = generation
  const conditions = reflectConditions(root, leaf, generation)
  if (conditions.length > 0) patch.conditions = conditions
  return patchOf(root, patch)
}

/** An empty map cannot be written by a merge, so it counts as none. */
function nonEmpty<T extends object>(map: T | undefined): T | undefined {
  return map && Object.keys(map).length > 0 ? map : undefined
}

/** `reason` and `message`, which `kubectl get` and `kubectl describe` show. */
function reflectExplanation(patch: Fields, root: Pod, leaf: Pod): void {
  const { reason, message } = explanation(root, leaf)
  if (reason !== root.status?.reason) patch.reason = reason ?? null
  if (message !== root.status?.message) patch.message = message ?? null
}

function explanation(
  root: Pod,
  leaf: Pod,
): { readonly reason?: string | undefined; readonly message?: string | undefined } {
  const { reason, message, phase } = leaf.status ?? {}
  if (reason !== undefined || message !== undefined) return { reason, message }
  if (
    phase === 'Failed' &&
    leaf.metadata.deletionTimestamp !== undefined &&
    root.metadata.deletionTimestamp === undefined
  ) {
    return { reason: deletedInLeaf, message: 'the pod was deleted in the leaf cluster, not in the root' }
  }
  // A pod that waits for a node of the leaf looks bound and idle in the root; only this says why.
  const scheduled = conditionOf(leaf.status, 'PodScheduled')
  if (scheduled?.status === 'False') return { reason: scheduled.reason, message: scheduled.message }
  return {}
}

/** `before`: how often each container had started again in earlier copies; undefined when this is the first. */
function reflectContainers(
  patch: Fields,
  root: Pod,
  from: PodStatus,
  before: Readonly<Record<string, number>> | undefined,
): void {
  const { containers, initContainers, ephemeralContainers } = root.spec
  const lists = {
    containerStatuses: known(from.containerStatuses, containers),
    initContainerStatuses: known(from.initContainerStatuses, initContainers),
    ephemeralContainerStatuses: known(from.ephemeralContainerStatuses, ephemeralContainers),
  }
  for (const [field, statuses] of Object.entries(lists) as [
    keyof typeof lists,
    readonly ContainerStatus[] | undefined,
  ][]) {
    // Until it has containers of its own, what is said of the earlier ones stays.
    if (statuses === undefined && before !== undefined) continue
    const counted = before ? statuses?.map((status) => counting(status, before)) : statuses
    if (!isDeepStrictEqual(counted, root.status?.[field])) Object.assign(patch, { [field]: counted ?? null })
  }
}

function counting(status: ContainerStatus, before: Readonly<Record<string, number>>): ContainerStatus {
  return { ...status, restartCount: status.restartCount + (before[status.name] ?? 0) }
}

/**
 * Without containers that the leaf injected: tools count by the root pod's spec, and the root's API server would not let such
 * a container restart (upstream ValidateContainerStateTransition).
 */
function known(
  statuses: readonly ContainerStatus[] | undefined,
  containers: readonly Pick<PodSpec['containers'][number], 'name'>[] | undefined,
): readonly ContainerStatus[] | undefined {
  const isKnown = ({ name }: ContainerStatus) => containers?.some((container) => container.name === name) ?? false
  if (statuses === undefined || statuses.every(isKnown)) return statuses
  const left = statuses.filter(isKnown)
  return left.length > 0 ? left : undefined
}

/** The root's generation that the leaf's kubelet has seen, undefined while it has not seen what we last wrote. */
function observedGeneration(root: Pod, leaf: Pod): number | undefined {
  const translated = Number(leaf.metadata.annotations?.[rootGenerationAnnotation])
  const seen = (leaf.status?.observedGeneration ?? 0) >= (leaf.metadata.generation ?? Number.POSITIVE_INFINITY)
  return seen && translated > 0 ? Math.max(translated, root.status?.observedGeneration ?? 0) : undefined
}
