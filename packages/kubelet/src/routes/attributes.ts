import { type Action, type Area, areas } from './areas.ts'

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
  const area = areaOf(path)
  return {
    verb: area?.acts ? 'create' : (Object.hasOwn(verbs, method) && verbs[method]) || '',
    subresources: area?.subresources ?? ['proxy'],
    area,
  }
}

const sessions: readonly Action[] = ['exec', 'attach', 'portForward']

/** Whether a request target is one whose connection may become a session's. Pure. */
export function opensSession(target: string): boolean {
  const area = areaOf(pathOf(target) ?? '')
  return area?.routes.some(({ action }) => sessions.includes(action)) ?? false
}

function areaOf(path: string): Area | undefined {
  return areas.find(({ base }) => path === base || path.startsWith(`${base}/`))
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
