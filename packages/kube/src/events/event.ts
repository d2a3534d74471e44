import { randomUUID } from 'node:crypto'
import { microTime } from '../objects/micro-time.ts'
import type { KubeObject } from '../objects/types.ts'

/** The object that an event is about. */
export interface EventRef {
  readonly apiVersion?: string | undefined
  readonly kind: string
  /** Missing for cluster-scoped objects. */
  readonly namespace?: string | undefined
  readonly name: string
  /** By which `kubectl describe` finds the events of this incarnation. */
  readonly uid?: string | undefined
  /** A part of the object, like `spec.containers{app}`. */
  readonly fieldPath?: string | undefined
}

export interface EventContent {
  readonly type: 'Normal' | 'Warning'
  /** Why, one word in CamelCase. */
  readonly reason: string
  /** What was done or tried, one word in CamelCase. */
  readonly action: string
  /** For people; cut at 1 KiB. */
  readonly note: string
  readonly related?: EventRef | undefined
}

export interface EventReporter {
  /** A qualified name like `kosmos.io/cluster-tree`. */
  readonly controller: string
  /** Which replica. */
  readonly instance: string
}

export interface EventSeries {
  /** At least 2. */
  readonly count: number
  readonly lastObservedTime: string
}

/** Limits of events.k8s.io/v1 (pkg/apis/core/validation/events.go). */
const MAX_NOTE_BYTES = 1024
const MAX_WORD_LENGTH = 128
const MAX_NAME_LENGTH = 253
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/

/** What names an object that was read from an API server. */
export function eventRef(object: KubeObject): EventRef {
  const { namespace, name = '', uid } = object.metadata ?? {}
  return { apiVersion: object.apiVersion, kind: object.kind ?? '', namespace, name, uid }
}

/** The events.k8s.io/v1 Event; events of cluster-scoped objects go to the namespace `default`. `at`: ms since the epoch. */
export function newEvent(regarding: EventRef, content: EventContent, reporter: EventReporter, at: number): KubeObject {
  const event = {
    metadata: { name: eventName(regarding.name), namespace: regarding.namespace || 'default' },
    eventTime: microTime(new Date(at)),
    reportingController: reporter.controller,
    reportingInstance: reporter.instance.slice(0, MAX_WORD_LENGTH),
    type: content.type,
    reason: content.reason.slice(0, MAX_WORD_LENGTH),
    action: content.action.slice(0, MAX_WORD_LENGTH),
    note: cutNote(content.note),
    regarding,
    ...(content.related && { related: content.related }),
  }
  return event
}

function eventName(object: string): string {
  const suffix = randomUUID().slice(0, 13)
  const name = `${object}.${suffix}`
  // Names of RBAC objects, for one, may hold what no other name may.
  return name.length <= MAX_NAME_LENGTH && SUBDOMAIN.test(name) ? name : `event.${suffix}`
}

/** Never splits a character. */
export function cutNote(note: string): string {
  const bytes = Buffer.from(note)
  if (bytes.length <= MAX_NOTE_BYTES) return note
  const room = MAX_NOTE_BYTES - Buffer.byteLength('…')
  return `${new TextDecoder().decode(bytes.subarray(0, room), { stream: true })}…`
}
