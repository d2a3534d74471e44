import type { Pod, PodSpec } from '@kosmos/kube'
import { patienceAgain } from '../translate/mutations/patience.ts'
import { translate } from '../translate/translate.ts'
import type { LeafContext } from '../translate/translation.ts'
import { carriesMetadata, droppedMetadata } from './carried-metadata.ts'
import { carriesSpec } from './carried-spec.ts'
import { gateConditions } from './readiness-gates.ts'

type Container = PodSpec['containers'][number]
export type Toleration = NonNullable<PodSpec['tolerations']>[number]

/** A strategic merge patch of a copy, or of one of its subresources. */
export interface CopyPatch {
  readonly subresource?: 'resize' | 'ephemeralcontainers' | 'status'
  readonly body: {
    readonly metadata: { readonly uid: string; readonly [field: string]: unknown }
    readonly spec?: object
    readonly status?: object
  }
  /** What the copy has to tolerate, and for how long, beside what the leaf has given it. */
  readonly tolerations?: readonly Toleration[]
}

/**
 * What to write to the copy because the root pod has changed since it was translated, in this order; empty when it has not.
 * The last one of the spec stamps the copy with what it carries now, so that what an interruption left undone is done again.
 *
 * These are the fields that an API server lets a pod change: labels, annotations, images, activeDeadlineSeconds, resources
 * (KEP-1287), ephemeral containers (KEP-277), the tolerations that a copy gets, with their seconds; and of its status the
 * readiness gates. What the leaf added to the copy (annotations of a CNI, injected containers) is not named, so the merge keeps it.
 *
 * The caller has made sure that `leaf` is the copy of this incarnation of `root`. Pure.
 */
export function changesOf(root: Pod, leaf: Pod, ctx: LeafContext): readonly CopyPatch[] {
  const conditions = gateConditions(root, leaf)
  const gates: CopyPatch = {
    subresource: 'status',
    body: { metadata: { uid: leaf.metadata.uid }, status: { conditions } },
  }
  return [...objectChanges(root, leaf, ctx), ...(conditions.length > 0 ? [gates] : [])]
}

function objectChanges(root: Pod, leaf: Pod, ctx: LeafContext): readonly CopyPatch[] {
  const specChanged = !carriesSpec(leaf, root)
  if (!specChanged && carriesMetadata(leaf, root)) return []
  const { pod, problems } = translate(root, ctx)
  // A constraint that cannot be read keeps a copy from being made; one that is there goes on as it is.
  if (problems.length > 0) return []
  const { uid } = leaf.metadata
  const { labels, annotations } = pod.metadata
  const dropped = droppedMetadata(leaf, { labels, annotations })
  const metadata = {
    uid,
    labels: { ...nulls(dropped.labels), ...labels },
    annotations: { ...nulls(dropped.annotations), ...annotations },
  }
  if (!specChanged) return [{ body: { metadata } }]
  const tolerations = [...(pod.spec.tolerations ?? []), ...patienceAgain(leaf, pod.spec)]
  return [
    ...debugging(root, leaf, pod.spec, ctx),
    ...resizing(pod.spec, uid),
    { body: { metadata, spec: replaceable(pod.spec) }, ...(tolerations.length > 0 && { tolerations }) },
  ]
}

function replaceable({ containers, initContainers, activeDeadlineSeconds }: PodSpec): object {
  const images = (list: readonly Container[]) => list.map(({ name, image }) => ({ name, image }))
  return {
    containers: images(containers),
    ...(initContainers && { initContainers: images(initContainers) }),
    ...(activeDeadlineSeconds !== undefined && { activeDeadlineSeconds }),
  }
}

/** Only what the root pod states: a LimitRange of the leaf may have stated more. */
function resizing({ containers, initContainers = [], resources }: PodSpec, uid: string): CopyPatch[] {
  const stated = (list: readonly Container[]) =>
    list.flatMap(({ name, resources }) => (resources ? [{ name, resources }] : []))
  // Of init containers only those that go on running can be resized.
  const [main, sidecars] = [
    stated(containers),
    stated(initContainers.filter(({ restartPolicy }) => restartPolicy === 'Always')),
  ]
  if (main.length === 0 && sidecars.length === 0 && !resources) return []
  const spec = {
    ...(main.length > 0 && { containers: main }),
    ...(sidecars.length > 0 && { initContainers: sidecars }),
    ...(resources && { resources }),
  }
  return [{ subresource: 'resize', body: { metadata: { uid }, spec } }]
}

/**
 * They are added by name and never change afterwards: those that the copy has stay as they were added. Translated as any container is,
 * so that they reach the same API server. Mounts of volumes that the copy does without are left out.
 */
function debugging(root: Pod, leaf: Pod, { volumes = [] }: PodSpec, ctx: LeafContext): CopyPatch[] {
  const { uid } = leaf.metadata
  const has = new Set(leaf.spec.ephemeralContainers?.map(({ name }) => name))
  const added = root.spec.ephemeralContainers?.filter(({ name }) => !has.has(name)) ?? []
  if (added.length === 0) return []
  const present = new Set(volumes.map(({ name }) => name))
  const translated = translate({ ...root, spec: { ...root.spec, containers: added } }, ctx).pod.spec.containers
  const containers = translated.map(({ volumeMounts, ...container }) => {
    const mounts = volumeMounts?.filter(({ name }) => present.has(name))
    return { ...container, ...(mounts?.length && { volumeMounts: mounts }) }
  })
  return [
    { subresource: 'ephemeralcontainers', body: { metadata: { uid }, spec: { ephemeralContainers: containers } } },
  ]
}

function nulls(keys: readonly string[]): Record<string, null> {
  return Object.fromEntries(keys.map((key) => [key, null]))
}
