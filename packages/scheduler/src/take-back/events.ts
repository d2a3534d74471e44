import { roomAtAnnotation } from '@kosmos/api'
import type { EventContent, Pod } from '@kosmos/kube'
import type { Stay, Stuck } from './decide.ts'
import { whyItStays } from './reasons.ts'

/** What the user reads on a pod that has its place and no node in it; nothing else writes event text about it. */
export const takeBackEvents = {
  takenBack: (pod: Pod, seconds: number, stuck: Stuck): EventContent => ({
    type: 'Warning',
    reason: 'TakenBack',
    action: 'TakingBack',
    note: `${whatOf(pod, stuck, seconds)}; it is evicted, and its successor gets another place: ${stuck.words}`,
  }),
  notTakenBack: (pod: Pod, seconds: number, stuck: Stuck, stay: Stay): EventContent => ({
    type: 'Warning',
    reason: 'NotTakenBack',
    action: 'TakingBack',
    note: `${whatOf(pod, stuck, seconds)}. It stays, since ${whyItStays(stay)}: ${stuck.words}`,
  }),
}

function whatOf({ metadata, spec }: Pod, { by }: Stuck, seconds: number): string {
  if (by === 'leaf') return `the leaf behind ${spec.nodeName} found no node for it in ${seconds} s`
  const node = metadata.annotations?.[roomAtAnnotation]
  const place = node === undefined ? '' : ` (${node})`
  return `the root's scheduler found no node for it where it has its place${place} in ${seconds} s`
}
