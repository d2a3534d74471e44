import { type Status, statusOf } from '../connection/errors.ts'
import type { KubeObject } from '../objects/types.ts'

/** One frame of a watch, told apart by what the reader has to do. */
export type WatchEvent<T> =
  | { readonly type: 'changed'; readonly object: T }
  | { readonly type: 'deleted'; readonly object: T }
  /** Nothing changed up to this resourceVersion; `initialEventsEnd` closes a streaming list (KEP-3157). */
  | { readonly type: 'bookmark'; readonly resourceVersion: string; readonly initialEventsEnd: boolean }
  | { readonly type: 'error'; readonly status: Status }

/** Reads a frame. A frame that cannot be understood becomes an error event, which ends the watch. */
export function parseWatchEvent<T extends KubeObject>(line: string): WatchEvent<T> {
  let frame: { type?: string; object?: unknown }
  try {
    frame = JSON.parse(line)
  } catch {
    return { type: 'error', status: { code: 0, message: 'a frame of the watch is not JSON' } }
  }
  const object = frame.object as T
  switch (frame.type) {
    case 'ADDED':
    case 'MODIFIED':
      return { type: 'changed', object }
    case 'DELETED':
      return { type: 'deleted', object }
    case 'BOOKMARK':
      return {
        type: 'bookmark',
        resourceVersion: object.metadata?.resourceVersion ?? '',
        initialEventsEnd: object.metadata?.annotations?.['k8s.io/initial-events-end'] === 'true',
      }
    case 'ERROR': {
      const status = statusOf(0, object)
      return { type: 'error', status }
    }
    default:
      return { type: 'error', status: { code: 0, message: `unknown frame type ${frame.type} in a watch` } }
  }
}
