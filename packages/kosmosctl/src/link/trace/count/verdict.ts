import { devices, type TunnelHop } from '@kosmos/cluster-link'
import type { LinkView } from '../../network/view.ts'
import { type Amount, counterKey, type Growth } from './growth.ts'
import { type Stage, stagesOf } from './stages.ts'

/** What a stage has counted; without an amount its node could not be asked, or has no such counter. */
export interface CountedStage extends Stage {
  readonly amount?: Amount
}

/** What the kernels of the two nodes of a hop have counted meanwhile. */
export interface HopCount {
  readonly stages: readonly CountedStage[]
  /** What the receiving node has dropped by our own rules, whoever sent it. */
  readonly drops: readonly { readonly reason: string; readonly packets: number }[]
  /** passes: every counter rose; stops: one did not, though the one before did. */
  readonly verdict: 'passes' | 'stops' | 'unknown'
  /** In a sentence. */
  readonly says: string
}

/** What counters say of a hop. Agents ask each other all the time, so that they rise where packets pass. Pure. */
export function hopCount(view: LinkView, hop: TunnelHop, growthOf: (place: string) => Growth | undefined): HopCount {
  const stages = stagesOf(view, hop).map((stage): CountedStage => {
    const amount = growthOf(stage.place)?.tunnels.get(counterKey(stage))
    return { ...stage, ...(amount && { amount }) }
  })
  const drops = [...(growthOf(hop.to)?.drops ?? [])]
    .filter(([, packets]) => packets > 0)
    .map(([reason, packets]) => ({ reason, packets }))
  return { stages, drops, ...judged(hop, stages, drops) }
}

function judged(
  { from, to, dev }: TunnelHop,
  stages: readonly CountedStage[],
  drops: HopCount['drops'],
): Pick<HopCount, 'verdict' | 'says'> {
  const stop = stages.find(({ amount }) => amount?.count === 0)
  const unasked = stages.find(({ amount }) => amount === undefined)
  if (stop === undefined) {
    if (unasked) return { verdict: 'unknown', says: `of ${unasked.device} on ${unasked.place} no counter was read` }
    if (!stages.some(({ place }) => place === to))
      return { verdict: 'unknown', says: `${to} knows no tunnel to ${from}` }
    return { verdict: 'passes', says: `packets of ${from} arrive at ${to}` }
  }
  const dropped = drops.map(({ reason, packets }) => `${packets} ${reason}`).join(', ')
  const hint = dropped === '' ? '' : `; meanwhile rules of ours on ${to} have dropped: ${dropped}`
  return { verdict: 'stops', says: `${sentence(stop, from, to, dev)}${hint}` }
}

function sentence({ place, device, direction }: CountedStage, from: string, to: string, dev: string): string {
  if (direction === 'transmit') {
    return device === dev
      ? `${from} sends nothing through ${device}: does its agent run, and does a rule of its own drop what it sends?`
      : `what ${from} sends through ${dev} does not leave by ${device}`
  }
  const isInner = device === dev && dev === devices.secure.name
  if (isInner) return `${to} gets packets by the encrypted tunnel, and none of ${from} for ${device} in it`
  const keys = dev === devices.secure.name ? ', or the two do not agree on keys' : ''
  return `${from} sends, and ${place} receives nothing of it by ${device}: packets are lost between the two, or a rule of ${to} drops them before ours see them${keys}`
}
