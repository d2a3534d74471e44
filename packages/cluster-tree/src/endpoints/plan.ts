import { isDeepStrictEqual } from 'node:util'
import type { EndpointSlice, KubeObject } from '@kosmos/kube'
import type { CopyPlan } from '../copies/plan.ts'

/**
 * What to do with our slice in a leaf, by what is in it: it depends on the root's slice, on pods of the leaf and on a
 * Service there. Pure.
 */
export function planSlice(wanted: KubeObject | undefined, leaf: EndpointSlice | undefined): CopyPlan {
  const { uid = '', resourceVersion = '' } = leaf?.metadata ?? {}
  if (!wanted) return leaf ? { kind: 'delete', uid, reason: 'unneeded' } : { kind: 'none' }
  if (!leaf) return { kind: 'create' }
  const { labels, annotations } = wanted.metadata ?? {}
  // The leaf's admission may add others at each write, which would be in vain then.
  const isMarked = holds(leaf.metadata.labels, labels) && holds(leaf.metadata.annotations, annotations)
  return isMarked && isDeepStrictEqual(contentOf(wanted as EndpointSlice), contentOf(leaf))
    ? { kind: 'none' }
    : { kind: 'replace', uid, resourceVersion }
}

function contentOf({ metadata: { ownerReferences }, addressType, endpoints, ports }: EndpointSlice) {
  return { ownerReferences, addressType, endpoints: endpoints ?? [], ports: ports ?? [] }
}

function holds(has: Readonly<Record<string, string>> = {}, wanted: Readonly<Record<string, string>> = {}): boolean {
  return Object.entries(wanted).every(([key, value]) => has[key] === value)
}
