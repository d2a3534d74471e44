import type { Stay } from './decide.ts'
import type { Hold } from './hold.ts'

/** Why a pod that is stuck stays where it is, for people: what follows `since`. Pure. */
export function whyItStays({ why, hold }: Stay): string {
  return why === 'hasClaim' ? holds[hold.by](hold) : reasons[why]
}

const reasons = {
  hasNoOwner: 'it has no controller that would make another; delete it and create it again for another place',
  waitsForPlace: 'its policy has it wait for its place; whenUnavailable: Spill would give it another',
  hasNoOtherPlace: 'no other place has room for it now; it gets one as soon as there is',
} as const

const holds: Readonly<Record<Hold['by'], (hold: Hold) => string>> = {
  volume: ({ claim, what }) => `its claim ${claim} has the volume ${what}, which only some nodes reach`,
  oneNode: ({ claim, what }) => `its claim ${claim} has the volume ${what}, which one node mounts at a time`,
  begun: ({ claim, what }) => `a volume for its claim ${claim} is being made for ${what}`,
  class: ({ claim, what }) => `its claim ${claim} may have a volume only where its StorageClass ${what} allows it`,
  unbound: ({ claim }) =>
    `its claim ${claim} has no volume and waits for no pod; another pod would wait for it as well`,
  missing: ({ claim }) => `there is no claim ${claim}; another pod would wait for it as well`,
}
