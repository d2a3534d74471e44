import { isDeepStrictEqual } from 'node:util'
import type { KubeObject } from '@kosmos/kube'
import type { CopyPlan } from '../copies/plan.ts'

/**
 * What to do with our slice in a leaf. What is in it depends on the root's slice, on pods of the leaf and on a Service there; of what we
 * wrote last an annotation tells. Pure.
 * @param leaf metadata of the slice that is there
 * @param contested whether somebody else has written to what is in it
 */
export function planSlice(wanted: KubeObject | undefined, leaf: KubeObject | undefined, contested = false): CopyPlan {
  const { uid = '', resourceVersion = '' } = leaf?.metadata ?? {}
  if (!wanted) return leaf ? { kind: 'delete', uid, reason: 'unneeded' } : { kind: 'none' }
  if (!leaf) return { kind: 'create' }
  const { labels, annotations, ownerReferences } = wanted.metadata ?? {}
  // The leaf's admission may add others at each write, which would be in vain then.
  const isMarked = holds(leaf.metadata?.labels, labels) && holds(leaf.metadata?.annotations, annotations)
  const replace = { kind: 'replace', uid, resourceVersion } as const
  if (!isMarked || !isDeepStrictEqual(leaf.metadata?.ownerReferences, ownerReferences)) return replace
  return contested ? { ...replace, setsRight: true } : { kind: 'none' }
}

function holds(has: Readonly<Record<string, string>> = {}, wanted: Readonly<Record<string, string>> = {}): boolean {
  return Object.entries(wanted).every(([key, value]) => has[key] === value)
}
