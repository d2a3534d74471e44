import type { PairVerdict } from '../network/reach.ts'
import type { HopState } from '../network/view.ts'

/** How something looks: by colour, and by the dashes of its line for who does not see colours. */
export interface Look {
  readonly colour: string
  readonly dashes?: string
}

/** Colours that people with any colour vision tell apart (Okabe and Ito). */
const colours = { good: '#009e73', fair: '#e69f00', bad: '#d55e00', unknown: '#7f7f7f', chosen: '#0072b2' } as const

export const lookOfState: Readonly<Record<HopState, Look>> = {
  up: { colour: colours.good },
  down: { colour: colours.bad, dashes: '2 4' },
  unknown: { colour: colours.unknown, dashes: '8 6' },
}

export const lookOfVerdict: Readonly<Record<PairVerdict, Look>> = {
  works: { colour: colours.good },
  partly: { colour: colours.fair, dashes: '14 5' },
  broken: { colour: colours.bad, dashes: '3 6' },
  unknown: { colour: colours.unknown, dashes: '8 6' },
  none: { colour: colours.unknown, dashes: '1 9' },
  forbidden: { colour: colours.chosen, dashes: '1 9' },
}

/** The worst of several. */
export function worst(verdicts: readonly PairVerdict[]): PairVerdict {
  return (
    (['broken', 'none', 'partly', 'unknown', 'forbidden'] as const).find((one) => verdicts.includes(one)) ?? 'works'
  )
}
