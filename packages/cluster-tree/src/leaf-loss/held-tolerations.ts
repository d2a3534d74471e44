import { heldTolerationsAnnotation } from '@kosmos/api'
import { type Pod, toleratesTaint } from '@kosmos/kube'

type Toleration = NonNullable<Pod['spec']['tolerations']>[number]

/** The taints by which a cluster evicts pods of a node that is not there (upstream pkg/controller/nodelifecycle). */
export const lostNodeTaints = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'].map((key) => ({
  key,
  effect: 'NoExecute',
}))

/** How many seconds each toleration had, by its place in the list: nobody may remove tolerations. */
type Held = Readonly<Record<string, number>>

/** A merge patch of a root pod; it holds for the list of tolerations that was read. */
export interface TolerationPatch {
  readonly metadata: {
    readonly uid: string
    readonly resourceVersion: string
    readonly annotations: Readonly<Record<string, string | null>>
  }
  readonly spec: { readonly tolerations: readonly Toleration[] }
}

/**
 * Makes a pod tolerate for ever that its node is not there, or as long as it did before that was asked for; undefined when it
 * does. Pods may get tolerations and change their seconds, never lose any (upstream ValidatePodUpdate), so that a toleration
 * which was added counts no second once the pod is let go. Pure.
 */
export function tolerationPatch(pod: Pod, hold: boolean): TolerationPatch | undefined {
  return hold ? holding(pod) : lettingGo(pod)
}

function holding(pod: Pod): TolerationPatch | undefined {
  const { tolerations = [] } = pod.spec
  const limited = tolerations.map(
    ({ tolerationSeconds, ...toleration }) =>
      tolerationSeconds !== undefined && lostNodeTaints.some((taint) => toleratesTaint(toleration, taint)),
  )
  const untolerated = lostNodeTaints.filter(
    (taint) => !tolerations.some((toleration) => toleratesTaint(toleration, taint)),
  )
  if (!limited.includes(true) && untolerated.length === 0) return undefined
  const added = untolerated.map(({ key, effect }) => ({ key, operator: 'Exists', effect }))
  const held: Record<string, number> = { ...heldOf(pod) }
  for (const [i, { tolerationSeconds }] of tolerations.entries()) if (limited[i]) held[i] = tolerationSeconds ?? 0
  for (const i of added.keys()) held[tolerations.length + i] = 0
  const unlimited = tolerations.map((toleration, i) => (limited[i] ? withoutSeconds(toleration) : toleration))
  return patchOf(pod, [...unlimited, ...added], JSON.stringify(held))
}

function lettingGo(pod: Pod): TolerationPatch | undefined {
  if (pod.metadata.annotations?.[heldTolerationsAnnotation] === undefined) return undefined
  return patchOf(pod, ownTolerations(pod), null)
}

/** What a pod tolerates when it is not held. */
export function ownTolerations(pod: Pod): readonly Toleration[] {
  const held = heldOf(pod)
  return (pod.spec.tolerations ?? []).map((toleration, i) => {
    const seconds = held[i]
    // Somebody has given it seconds of their own meanwhile, or the list another order: no other effect can have any.
    if (seconds === undefined || toleration.tolerationSeconds !== undefined) return toleration
    if (toleration.effect !== 'NoExecute') return toleration
    return { ...toleration, tolerationSeconds: seconds }
  })
}

function patchOf(pod: Pod, tolerations: readonly Toleration[], held: string | null): TolerationPatch {
  const { uid, resourceVersion } = pod.metadata
  return {
    metadata: { uid, resourceVersion, annotations: { [heldTolerationsAnnotation]: held } },
    spec: { tolerations },
  }
}

function withoutSeconds({ tolerationSeconds: _, ...toleration }: Toleration): Toleration {
  return toleration
}

/** Somebody may have written anything there. */
function heldOf({ metadata }: Pod): Held {
  try {
    const held: unknown = JSON.parse(metadata.annotations?.[heldTolerationsAnnotation] ?? '{}')
    if (typeof held !== 'object' || held === null) return {}
    return Object.fromEntries(Object.entries(held).filter(([, seconds]) => Number.isInteger(seconds)))
  } catch {
    return {}
  }
}
