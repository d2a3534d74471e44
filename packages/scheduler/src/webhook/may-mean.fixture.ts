import type { ResourceSelector } from '@kosmos/api'
import type { Pod } from '@kosmos/kube'
import { selectorOf } from '../distributions/compiled-distribution.ts'

/** An API server shortens a generated name to this before it adds the rest. */
const LONGEST_BASE = 58

/** A pod before it is stored; of a generated name only the start is known. */
type NewPod = Pick<Pod, 'metadata'> & { readonly metadata: { readonly generateName?: string } }

/** Whether a selector of a DistributionPolicy may mean a pod whose name may not be known yet: what isMeant says in CEL. */
export function mayMean(selector: ResourceSelector): (pod: NewPod) => boolean {
  const { name, namePrefix, labelSelector: labels } = selector
  if (name) return ({ metadata }) => (metadata.name ? metadata.name === name : name.startsWith(startOf(metadata)))
  if (namePrefix) {
    return ({ metadata }) => {
      if (metadata.name) return metadata.name.startsWith(namePrefix)
      const start = startOf(metadata)
      return start.startsWith(namePrefix) || namePrefix.startsWith(start)
    }
  }
  if (labels === undefined) return () => true
  const wanted = selectorOf(labels)
  return ({ metadata }) => wanted?.matches(metadata.labels) ?? false
}

const startOf = ({ generateName = '' }: NewPod['metadata']): string => generateName.slice(0, LONGEST_BASE)
