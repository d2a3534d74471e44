import type { EventContent, Pod } from '@kosmos/kube'
import type { TakeBack } from './decide.ts'

/** What the user reads on a pod that its leaf found no node for; nothing else writes event text about it. */
export const takeBackEvents = {
  takenBack: ({ spec }: Pod, seconds: number, words: string): EventContent => ({
    type: 'Warning',
    reason: 'TakenBack',
    action: 'TakingBack',
    note: `the leaf behind ${spec.nodeName} found no node for it in ${seconds} s; it is evicted, and its successor gets another place: ${words}`,
  }),
  notTakenBack: ({ spec }: Pod, seconds: number, words: string, why: Exclude<TakeBack, 'evict'>): EventContent => ({
    type: 'Warning',
    reason: 'NotTakenBack',
    action: 'TakingBack',
    note: `the leaf behind ${spec.nodeName} found no node for it in ${seconds} s. It stays, since ${reasons[why]}: ${words}`,
  }),
}

const reasons = {
  hasNoOwner: 'it has no controller that would make another; delete it and create it again for another place',
  hasVolumes: 'it has a claim, and goes where the volume is',
} as const
