import { createHash } from 'node:crypto'
import { clusterLabel } from '@kosmos/api'
import type { CoreEvent, KubeObject, Stored } from '@kosmos/kube'

/** The longest name of an object. */
const LONGEST_NAME = 253

/**
 * The Event in the root for an Event that the leaf has on the copy of `root`: on the root object, with the same counts and times, in
 * `words` that name things as the root does, told by the leaf's component "(cluster)". The name follows from the leaf's, so that the same
 * Event told twice is one, also after a restart. For server-side apply. Pure.
 *
 * By core/v1, since events.k8s.io does not take what kubelets write (no eventTime, an empty action).
 */
export function rootEvent(
  event: CoreEvent,
  root: { readonly kind: string } & Pick<Stored<KubeObject>, 'metadata'>,
  clusterName: string,
  words: (said: string) => string = (said) => said,
) {
  const { reason, message, type, count, firstTimestamp, lastTimestamp, eventTime, series, action } = event
  const { reportingComponent, reportingInstance, source, involvedObject } = event
  const { name, namespace = '', uid } = root.metadata
  const component = source?.component || reportingComponent || 'unknown'
  return {
    metadata: { name: nameFor(event, clusterName), namespace, labels: { [clusterLabel]: clusterName } },
    involvedObject: {
      apiVersion: 'v1',
      kind: root.kind,
      namespace,
      name,
      uid,
      ...(involvedObject.fieldPath && { fieldPath: involvedObject.fieldPath }),
    },
    source: sourceOf(component, source?.host, clusterName),
    ...defined({
      reason,
      message: message && words(message),
      type,
      count,
      firstTimestamp,
      lastTimestamp,
      eventTime,
      series,
      action,
    }),
    ...defined({ reportingComponent, reportingInstance }),
  }
}

/**
 * A pod has one kubelet, whose Events are looked for by its name (`source=kubelet`): there the host names the cluster. Of schedulers and
 * controllers the root has its own.
 */
function sourceOf(component: string, host: string | undefined, clusterName: string) {
  if (component === 'kubelet') return { component, host: host ? `${host} (${clusterName})` : clusterName }
  return { component: `${component} (${clusterName})`, ...(host && { host }) }
}

/** When it last happened, in ms since the epoch. */
export function lastSeen({ series, lastTimestamp, eventTime, metadata }: CoreEvent): number {
  const at = series?.lastObservedTime ?? lastTimestamp ?? eventTime ?? metadata.creationTimestamp
  return at ? Date.parse(String(at)) : 0
}

function nameFor({ metadata: { name, uid } }: CoreEvent, clusterName: string): string {
  const full = `${name}.${clusterName}`
  return full.length <= LONGEST_NAME ? full : createHash('sha256').update(`${uid} ${clusterName}`).digest('hex')
}

/** Without what is absent: `null` and empty strings are how the older API says so. */
function defined<T extends object>(fields: T): Partial<T> {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined && value !== null && value !== ''),
  ) as Partial<T>
}
