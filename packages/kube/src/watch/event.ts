import { type Status, statusOf } from '../connection/errors.ts'
import { decode } from '../objects/decode.ts'
import type { KubeObject } from '../objects/types.ts'

/** One frame of a watch, told apart by what the reader has to do. */
export type WatchEvent<T> =
  | { readonly type: 'changed'; readonly object: T; readonly resourceVersion: string }
  | { readonly type: 'deleted'; readonly object: T; readonly resourceVersion: string }
  /** Nothing changed up to this resourceVersion; `initialEventsEnd` closes a streaming list (KEP-3157). */
  | { readonly type: 'bookmark'; readonly resourceVersion: string; readonly initialEventsEnd: boolean }
  | { readonly type: 'error'; readonly status: Status }

/**
 * Reads a frame. A frame that cannot be understood becomes an error event, which ends the watch.
 * @param managedFields keeps them
 */
export function parseWatchEvent<T extends KubeObject>(line: Buffer, managedFields = false): WatchEvent<T> {
  let frame: { type?: unknown; object?: unknown } | null
  try {
    frame = decode(line, managedFields) as typeof frame
  } catch {
    return unreadable('it is not JSON')
  }
  if (frame?.type === 'ERROR') return { type: 'error', status: statusOf(0, frame.object) }
  const object = frame?.object as T | undefined
  // Without a version there is no point to resume from: an empty one would mean "from now", and skip what came before.
  const resourceVersion = object?.metadata?.resourceVersion
  if (object === undefined || !resourceVersion) return unreadable('it has no object with a resourceVersion')
  switch (frame?.type) {
    case 'ADDED':
    case 'MODIFIED':
      return { type: 'changed', object, resourceVersion }
    case 'DELETED':
      return { type: 'deleted', object, resourceVersion }
    case 'BOOKMARK':
      return {
        type: 'bookmark',
        resourceVersion,
        initialEventsEnd: object.metadata?.annotations?.['k8s.io/initial-events-end'] === 'true',
      }
    default:
      return unreadable('its type is unknown')
  }
}

function unreadable(why: string): { readonly type: 'error'; readonly status: Status } {
  return { type: 'error', status: { code: 0, message: `a frame of the watch cannot be read: ${why}` } }
}
