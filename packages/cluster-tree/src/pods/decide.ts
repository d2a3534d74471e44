import { orphanLabel, rootClusterLabel, rootUidAnnotation } from '@kosmos/api'
import type { Pod } from '@kosmos/kube'
import type { CopyPatch } from './change/changes.ts'
import { endedStatus, vanishedStatus } from './disruption/failure.ts'
import { restartingStatus } from './disruption/restarts.ts'
import type { Reference } from './needs/references.ts'
import { isOrphan } from './removal/orphans.ts'
import { reflect } from './status/reflect.ts'
import { conditionOf, isTerminal, type StatusPatch } from './status/status-patch.ts'
import { type Waiting, waitingStatus } from './waiting/waiting.ts'

/** How long a copy may go on after the end of its grace before nobody is expected to end it. */
const STUCK_MS = 60_000

/** How long the root may take from marking a pod as removed to removing it: it does both for one request. */
const HALF_REMOVED_MS = 10_000

/** All that is known about one namespace/name, in the root and in one leaf. */
export interface PodView {
  /** uid of the root's kube-system namespace. */
  readonly rootClusterId: string
  /**
   * True while both caches are in sync and their watches alive. Otherwise nothing is concluded: an empty cache never looks like
   * "the pods are gone", and an old leaf status does not overwrite what the root says of an unreachable node.
   */
  readonly current: boolean
  /** The root pod, if it is bound to a virtual node of this leaf. */
  readonly root: Pod | undefined
  /** The leaf pod, as far as it is visible: leaf watches select pods with our root-cluster label. */
  readonly leaf: Pod | undefined
  /** When `leaf` is gone: how the watch last showed it, if this process saw it. Only saves detail; a restart may forget it. */
  readonly lastLeaf?: Pod | undefined
  /** What the copy refers to, cannot start without, and is not in the leaf yet. */
  readonly missing: readonly Reference[]
  /**
   * How the copy has to change because the root pod has; none while the leaf's refusal of that is remembered. Asked only for a copy
   * that stays: it costs a translation.
   */
  readonly changes?: () => readonly CopyPatch[]
  /** Whether a status was written to the root as it is and changed nothing there: its Kubernetes does not know the fields. */
  readonly isInVain?: (patch: StatusPatch) => boolean
  /** Whether a copy that the leaf ends is made again, instead of the root pod failing. */
  readonly recreate?: boolean
  /** What stopped the last attempt to create the copy; left out when it is time for another. */
  readonly blocked?: Waiting | undefined
  /** The resourceVersion that the root's pods have reached. */
  readonly rootVersion?: string | undefined
  /** Milliseconds since the epoch. */
  readonly now: number
}

/** What to do next, with the reason in a word or two; `none` means that all is as it should be or somebody else's turn. */
export type PodAction =
  | { readonly do: 'none'; readonly reason: string; readonly afterMs?: number }
  | { readonly do: 'create'; readonly reason: string }
  /** Delete this leaf pod, with its uid as precondition. */
  | { readonly do: 'deleteLeaf'; readonly reason: string; readonly uid: string; readonly gracePeriodSeconds: number }
  /**
   * Delete this root pod with its own grace, as the root does with pods of a node that is lost: a Deployment replaces it at once,
   * a StatefulSet not before it is known to have ended.
   */
  | { readonly do: 'deleteRoot'; readonly reason: string; readonly uid: string }
  /** Delete this root pod with grace 0 and its uid as precondition: its copy is gone. */
  | { readonly do: 'finishRoot'; readonly reason: string; readonly uid: string }
  /** Mark this leaf pod as one that the root has lost, and keep it. */
  | { readonly do: 'keepOrphan'; readonly reason: string; readonly uid: string }
  | { readonly do: 'reflect'; readonly reason: string; readonly patch: StatusPatch }
  | { readonly do: 'changeLeaf'; readonly reason: string; readonly changes: readonly CopyPatch[] }
  | { readonly do: 'failRoot'; readonly reason: string; readonly patch: StatusPatch }
  /** Nothing can be done now; `patch`, if any, makes the root pod say so. `missing`: what it waits for, if that is the reason. */
  | {
      readonly do: 'wait'
      readonly reason: string
      readonly message: string
      readonly patch: StatusPatch | undefined
      readonly missing?: readonly Reference[]
    }

/** The next step for one pod. Pure; each step is followed by an event that leads to the next. */
export function decide(view: PodView): PodAction {
  const { root, leaf, current } = view
  if (!current) return none('CachesNotCurrent')
  if (leaf !== undefined && !isOurs(leaf, view.rootClusterId)) return besideForeignPod(view, leaf)
  if (root === undefined) return leaf === undefined ? none('Gone') : withoutRoot(view, leaf)
  if (leaf === undefined) return withoutCopy(view, root)
  if (!isCopyOf(leaf, root)) return besideOldCopy(view, root, leaf)
  return withCopy(view, root, leaf)
}

/** Whether we wrote it, for this root cluster. Nothing else in a leaf is ever changed or deleted. */
export function isOurs(leaf: Pod, rootClusterId: string): boolean {
  return leaf.metadata.labels?.[rootClusterLabel] === rootClusterId && rootUidOf(leaf) !== undefined
}

/** The uid of the root pod that a leaf pod is the copy of. */
export function rootUidOf(leaf: Pod): string | undefined {
  return leaf.metadata.annotations?.[rootUidAnnotation]
}

/** Whether a leaf pod is the copy of this very root pod, not of another incarnation of its name. */
export function isCopyOf(leaf: Pod, root: Pod): boolean {
  return rootUidOf(leaf) === root.metadata.uid
}

function withoutRoot(view: PodView, leaf: Pod): PodAction {
  return isOrphan(leaf, view.rootVersion) ? keep(leaf) : stop(leaf, ownGrace(leaf), 'RootPodGone')
}

function keep({ metadata: { uid, labels } }: Pod): PodAction {
  return labels?.[orphanLabel] === undefined ? { do: 'keepOrphan', reason: 'RootIsOlder', uid } : none('Orphan')
}

function withCopy(view: PodView, root: Pod, leaf: Pod): PodAction {
  const asked = root.metadata.deletionGracePeriodSeconds
  if (root.metadata.deletionTimestamp !== undefined) {
    const step = stop(leaf, asked ?? ownGrace(leaf), 'RootPodDeleted')
    if (step.do === 'deleteLeaf') return step
  } else if (isTerminal(root.status) && !isTerminal(leaf.status)) {
    // The root counts it as ended and may have replaced it, so it must not go on running.
    return stop(leaf, ownGrace(leaf), 'RootPodTerminal')
  }
  const isStuck = isOverdue(leaf, view.now) && stays(root)
  if (recreates(view, root) && isDisrupted(leaf) && !isStuck) return endForAnother(view, root, leaf)
  const patch = reflect(root, leaf)
  if (patch !== undefined && !view.isInVain?.(patch)) return { do: 'reflect', reason: 'StatusChanged', patch }
  if (isStuck) return { do: 'deleteRoot', reason: 'LeafPodStuck', uid: root.metadata.uid }
  if (leaf.metadata.deletionTimestamp !== undefined) return terminating(leaf, view.now)
  const changes = isTerminal(leaf.status) ? [] : (view.changes?.() ?? [])
  return changes.length > 0 ? { do: 'changeLeaf', reason: 'RootPodChanged', changes } : none('InSync')
}

/** Waits for the copy to end, for as long as a leaf node that is there takes. */
function terminating({ metadata: { deletionTimestamp = '' } }: Pod, now: number): PodAction {
  const dueMs = Date.parse(deletionTimestamp) + STUCK_MS - now
  return { ...none('LeafPodTerminating'), ...(dueMs > 0 && { afterMs: dueMs }) }
}

/** Nobody ends it: the leaf node is lost, and with it whatever could say whether the pod has ended. */
function isOverdue({ metadata: { deletionTimestamp }, status }: Pod, now: number): boolean {
  return deletionTimestamp !== undefined && !isTerminal(status) && Date.parse(deletionTimestamp) + STUCK_MS <= now
}

/** Whether another copy takes the place of one that the leaf ends. Who never wants a restart does not get one. */
function recreates({ recreate }: PodView, root: Pod): boolean {
  return recreate === true && root.spec.restartPolicy !== 'Never' && stays(root)
}

function stays({ metadata, status }: Pod): boolean {
  return metadata.deletionTimestamp === undefined && !isTerminal(status)
}

/** Whether the leaf ends the copy, which nobody in the root asked for. */
function isDisrupted({ metadata, status }: Pod): boolean {
  return metadata.deletionTimestamp !== undefined || conditionOf(status, 'DisruptionTarget')?.status === 'True'
}

function endForAnother(view: PodView, root: Pod, leaf: Pod): PodAction {
  const patch = restartingStatus(root, view.now)
  if (patch !== undefined) return { do: 'reflect', reason: 'LeafPodDisrupted', patch }
  const step = stop(leaf, ownGrace(leaf), 'LeafPodDisrupted')
  return step.do === 'deleteLeaf' ? step : terminating(leaf, view.now)
}

function withoutCopy(view: PodView, root: Pod): PodAction {
  if (root.metadata.deletionTimestamp !== undefined) return finish(view, root)
  if (isTerminal(root.status)) return none('RootPodTerminal')
  const last = view.lastLeaf && rootUidOf(view.lastLeaf) === root.metadata.uid ? view.lastLeaf : undefined
  const again = recreates(view, root)
  if (last && isTerminal(last.status) && !(again && isDisrupted(last))) {
    const patch = reflect(root, last)
    if (patch !== undefined) return { do: 'reflect', reason: 'LeafPodEnded', patch }
  }
  // Only reflection sets a startTime, so a copy has run; running it again would be a second pod under the same uid.
  if (root.status?.startTime !== undefined || last?.status?.startTime !== undefined) {
    const patch = again ? restartingStatus(root, view.now) : vanishedStatus(root, view.now)
    if (patch !== undefined) return { do: again ? 'reflect' : 'failRoot', reason: 'LeafPodVanished', patch }
  }
  if (view.blocked !== undefined) return wait(root, view.blocked)
  if (view.missing.length > 0) return { ...wait(root, missingReferences(view.missing)), missing: view.missing }
  return { do: 'create', reason: 'RootPodBound' }
}

function finish(view: PodView, root: Pod): PodAction {
  const { finalizers, uid, deletionGracePeriodSeconds } = root.metadata
  if (finalizers?.length && !isTerminal(root.status)) {
    const last = view.lastLeaf && rootUidOf(view.lastLeaf) === uid ? view.lastLeaf : undefined
    const patch = (last && isTerminal(last.status) && reflect(root, last)) || endedStatus(root, view.now)
    if (patch !== undefined) return { do: 'reflect', reason: 'LeafPodEnded', patch }
  }
  // Grace 0 is what finishing sets; only finalizers keep the pod then, or an API server that was killed before it removed it.
  if (deletionGracePeriodSeconds === 0) {
    if (finalizers?.length) return none('RootPodHasFinalizers')
    const dueMs = Date.parse(root.metadata.deletionTimestamp ?? '') + HALF_REMOVED_MS - view.now
    if (dueMs > 0) return { do: 'none', reason: 'RootPodGoing', afterMs: dueMs }
  }
  return { do: 'finishRoot', reason: 'LeafPodGone', uid }
}

function besideOldCopy(view: PodView, root: Pod, leaf: Pod): PodAction {
  if (isOrphan(leaf, view.rootVersion)) {
    const step = keep(leaf)
    if (step.do !== 'none') return step
    return root.metadata.deletionTimestamp === undefined ? wait(root, orphanInTheWay(leaf)) : finish(view, root)
  }
  const step = stop(leaf, ownGrace(leaf), 'OldIncarnation')
  if (step.do === 'deleteLeaf') return step
  if (root.metadata.deletionTimestamp !== undefined) return finish(view, root)
  return wait(root, {
    reason: 'PreviousPodTerminating',
    message: 'the previous pod of this name is still stopping in the leaf cluster',
  })
}

function besideForeignPod(view: PodView, leaf: Pod): PodAction {
  const { namespace, name } = leaf.metadata
  if (view.root === undefined) return none('NotOurs')
  // As if there were no leaf pod: whatever the root pod asks for, the foreign one has no part in it.
  return withoutCopy({ ...view, leaf: undefined, blocked: view.blocked ?? nameTaken({ namespace, name }) }, view.root)
}

/** Deletes the leaf pod unless it is already being deleted within that grace. */
function stop(leaf: Pod, gracePeriodSeconds: number, reason: string): PodAction {
  const { uid, deletionTimestamp, deletionGracePeriodSeconds = 0 } = leaf.metadata
  if (deletionTimestamp !== undefined && deletionGracePeriodSeconds <= gracePeriodSeconds)
    return none('LeafPodTerminating')
  return { do: 'deleteLeaf', reason, uid, gracePeriodSeconds }
}

/** When nobody can be asked any more which grace was meant: the pod's own, as a kubelet grants to a pod deleted by force. */
function ownGrace(leaf: Pod): number {
  return leaf.spec.terminationGracePeriodSeconds ?? 30
}

function wait(root: Pod, waiting: Waiting): Extract<PodAction, { do: 'wait' }> {
  return { do: 'wait', ...waiting, patch: waitingStatus(root, waiting) }
}

function none(reason: string): PodAction {
  return { do: 'none', reason }
}

/** A pod of that name is in the leaf and is not ours. */
export function nameTaken({ namespace, name }: { readonly namespace: string; readonly name: string }): Waiting {
  return {
    reason: 'NameTakenInLeaf',
    message: `the leaf cluster has a pod ${namespace}/${name} that this root did not create and will not touch: delete it there, or rename this one`,
  }
}

/** A copy of a root pod of that name which the root lost when it was restored. */
function orphanInTheWay({ metadata: { namespace, name } }: Pod): Waiting {
  return {
    reason: 'NameTakenInLeaf',
    message: `the leaf cluster still runs a pod ${namespace}/${name} that the root lost when it was restored from a snapshot (kosmosctl get orphans): delete that one in the leaf, and this one starts`,
  }
}

/** The pod was bound to a virtual node that its Cluster does not describe any more. */
export function nodeRetiring({ spec: { nodeName } }: Pod): Waiting {
  return {
    reason: 'VirtualNodeRetiring',
    message: `spec.clusterTreeOptions.leafModels of its Cluster does not describe node ${nodeName} any more; the pod is being evicted so that it can go elsewhere`,
  }
}

function missingReferences(missing: readonly Reference[]): Waiting {
  const list = missing.map(({ kind, name, usedBy }) => `${kind} ${name} (${usedBy.join(', ')})`).join('; ')
  return { reason: 'CreateContainerConfigError', message: `not found: ${list}` }
}
