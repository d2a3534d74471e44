import { hash } from 'node:crypto'
import { rootNameAnnotation } from '@kosmos/api'
import type { KubeObject } from '@kosmos/kube'

/** Begins every such name. */
export const PRIVATE_PREFIX = 'kosmos-copy-'

/**
 * What a copy is called in a leaf that has an object of its name which is not ours. The same for one name at all times, so that
 * a copy is found again after a restart. Pure.
 */
export function privateName(name: string, rootClusterId: string): string {
  return `${PRIVATE_PREFIX}${hash('sha1', `${rootClusterId}/${name}`).slice(0, 16)}`
}

/** The name in the root of what lies in a leaf as a copy. Pure. */
export function nameInRoot({ metadata }: KubeObject): string {
  return metadata?.annotations?.[rootNameAnnotation] ?? metadata?.name ?? ''
}
