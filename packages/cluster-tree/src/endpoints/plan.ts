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
  return isDeepStrictEqual(contentOf(wanted as EndpointSlice), contentOf(leaf))
    ? { kind: 'none' }
    : { kind: 'replace', uid, resourceVersion }
}

function contentOf({ metadata, addressType, endpoints, ports }: EndpointSlice) {
  const { labels, annotations, ownerReferences } = metadata
  return { labels, annotations, ownerReferences, addressType, endpoints: endpoints ?? [], ports: ports ?? [] }
}
