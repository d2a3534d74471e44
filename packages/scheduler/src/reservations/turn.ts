import type { ObjectKey, Pod } from '@kosmos/kube'

/** Where a pod is in the order in which those that wait for room come. */
export interface Turn {
  readonly key: ObjectKey
  readonly priority: number
  /** When it was created, in milliseconds since the epoch; infinite for one that is still to be made. */
  readonly since: number
}

export function turnOf({ metadata, spec }: Pod): Turn {
  const { namespace, name, creationTimestamp } = metadata
  return {
    key: `${namespace}/${name}`,
    priority: spec.priority ?? 0,
    since: creationTimestamp ? Date.parse(creationTimestamp) : Number.POSITIVE_INFINITY,
  }
}

/** The higher priority is first, then the older one; those of one second by name, so that there is one order. Pure. */
export function isBefore(a: Turn, b: Turn): boolean {
  if (a.priority !== b.priority) return a.priority > b.priority
  if (a.since !== b.since) return a.since < b.since
  return a.key < b.key
}
