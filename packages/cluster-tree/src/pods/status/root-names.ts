import type { Pod, PodStatus } from '@kosmos/kube'
import { inRootsWords } from '../../copies/root-words.ts'
import { claimsOf } from '../../volumes/claim.ts'
import { references } from '../needs/references.ts'
import type { ContainerStatus } from './status-patch.ts'

/** What the leaf says of the copy of a root pod, in the words of the root. Pure. */
export function inWordsOf(root: Pod, said: string, rootClusterId: string): string {
  return inRootsWords(said, namesIn(root), rootClusterId)
}

/**
 * A leaf pod whose status names ConfigMaps, Secrets and claims as its root pod does, also where they have another name in the leaf.
 * What a container itself has said when it ended stays as it is. Pure.
 */
export function withRootNames(leaf: Pod, root: Pod, rootClusterId: string): Pod {
  const { status } = leaf
  if (!status) return leaf
  const words = (said: string) => inWordsOf(root, said, rootClusterId)
  const { message, conditions, containerStatuses, initContainerStatuses, ephemeralContainerStatuses } = status
  const told: PodStatus = {
    ...status,
    ...(message && { message: words(message) }),
    ...(conditions && { conditions: conditions.map((one) => spoken(one, words)) }),
    ...(containerStatuses && { containerStatuses: containerStatuses.map((one) => waiting(one, words)) }),
    ...(initContainerStatuses && { initContainerStatuses: initContainerStatuses.map((one) => waiting(one, words)) }),
    ...(ephemeralContainerStatuses && {
      ephemeralContainerStatuses: ephemeralContainerStatuses.map((one) => waiting(one, words)),
    }),
  }
  return { ...leaf, status: told }
}

function* namesIn({ spec, ...pod }: Pod): Generator<string> {
  for (const { name } of references(spec)) yield name
  yield* claimsOf({ ...pod, spec })
}

function spoken<T extends { readonly message?: string }>(one: T, words: (said: string) => string): T {
  return one.message ? { ...one, message: words(one.message) } : one
}

function waiting(status: ContainerStatus, words: (said: string) => string): ContainerStatus {
  const { state } = status
  return state?.waiting ? { ...status, state: { ...state, waiting: spoken(state.waiting, words) } } : status
}
