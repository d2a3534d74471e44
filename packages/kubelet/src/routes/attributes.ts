import { type Area, areas } from './areas.ts'

/** What a request demands of its caller: `verb` on `nodes/<subresource>` of this node. */
export interface Attributes {
  /** Empty for methods that have no verb; only a rule for every verb (`*`) allows that. */
  readonly verb: string
  readonly subresources: readonly string[]
  /** Undefined outside of the known paths. */
  readonly area: Area | undefined
}

const verbs: Readonly<Record<string, string>> = {
  POST: 'create',
  GET: 'get',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
}

/** The rights for a request; `path` is decoded and without its query. Follows pkg/kubelet/server/auth.go. Pure. */
export function attributesOf(method: string, path: string): Attributes {
  const area = areas.find(({ base }) => path === base || path.startsWith(`${base}/`))
  return {
    verb: area?.acts ? 'create' : (Object.hasOwn(verbs, method) && verbs[method]) || '',
    subresources: area?.subresources ?? ['proxy'],
    area,
  }
}

/** The decoded path of a request target; undefined if its escapes are malformed. */
export function pathOf(target: string): string | undefined {
  const raw = target.replace(/[?#].*/s, '')
  try {
    return decodeURIComponent(raw)
  } catch {
    return undefined
  }
}
