import type { Pod } from '@kosmos/kube'
import type { CompiledPolicy } from '../policies/compiled-policy.ts'
import { type NodeSelectorTerm, requiring } from './requirements.ts'

type Requirement = Required<NodeSelectorTerm>['matchExpressions'][number]

/**
 * A pod that its policy lets go anywhere, kept off the values whose allocation has a max: no more pods than that come there, from
 * wherever they come. They are left out whether they are full or not, since whoever gets one of their places has a seat. Pure.
 */
export function belowMaxima(pod: Pod, policy: CompiledPolicy | undefined): Pod {
  if (policy === undefined || policy.bounded.length === 0) return pod
  const elsewhere = { key: policy.topologyKey, operator: 'NotIn', values: [...policy.bounded] }
  return { ...pod, spec: requiring(pod.spec, { matchExpressions: [elsewhere], matchFields: [] }) }
}

/** Tells what {@link belowMaxima} wrote, also when the policy has other maxima by now; ours is the last of its kind. Pure. */
export function isOfMaxima({ topologyKey, shares }: CompiledPolicy): (one: Requirement) => boolean {
  return ({ key, operator, values = [] }) =>
    key === topologyKey && operator === 'NotIn' && values.every((value) => shares.some(({ name }) => name === value))
}
