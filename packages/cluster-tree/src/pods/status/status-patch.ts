import type { Pod, PodStatus } from '@kosmos/kube'

export type Condition = NonNullable<PodStatus['conditions']>[number]
export type ContainerStatus = NonNullable<PodStatus['containerStatuses']>[number]

/** A condition to merge into the one of the same type, `null` for a field to remove; or the removal of that condition. */
export type ConditionPatch =
  | { readonly [K in keyof Condition]: Condition[K] | null }
  | { readonly $patch: 'delete'; readonly type: string }

interface Replace {
  readonly $patch: 'replace'
}

/** A value to write: as it is, or led by the directive that it replaces a list or map which would be merged otherwise. */
type Patched<T> = T extends readonly (infer Item)[] ? readonly (Item | Replace)[] : T | (T & Replace)

/**
 * The body of a strategic merge patch of `pods/status`. It meets only the incarnation it was computed for: with another uid the
 * API server answers 422. `null` removes a field.
 */
export interface StatusPatch {
  readonly metadata: { readonly uid: string }
  readonly status: {
    readonly [K in Exclude<keyof PodStatus, 'conditions'>]?: Patched<NonNullable<PodStatus[K]>> | null
  } & { readonly conditions?: readonly ConditionPatch[] }
}

export function patchOf(root: Pod, status: StatusPatch['status']): StatusPatch | undefined {
  return Object.keys(status).length === 0 ? undefined : { metadata: { uid: root.metadata.uid }, status }
}

export function isTerminal(status: PodStatus | undefined): boolean {
  return status?.phase === 'Failed' || status?.phase === 'Succeeded'
}

export function conditionOf(status: PodStatus | undefined, type: string): Condition | undefined {
  return status?.conditions?.find((condition) => condition.type === type)
}
