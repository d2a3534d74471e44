import type { KubeObject } from './types.ts'

/** Names an object within its resource: `namespace/name`, or `name` for cluster-scoped objects. */
export type ObjectKey = string

export interface ObjectRef {
  readonly namespace?: string | undefined
  readonly name: string
}

export function keyOf(object: KubeObject): ObjectKey {
  const { namespace, name = '' } = object.metadata ?? {}
  return namespace ? `${namespace}/${name}` : name
}

/** The inverse of {@link keyOf}; neither a namespace nor a name can hold a slash. */
export function refOf(key: ObjectKey): ObjectRef {
  const slash = key.indexOf('/')
  return slash < 0 ? { name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) }
}
