import { targetsOf } from '../probe/targets.ts'
import type { Report } from '../status/report.ts'
import { addressesOf, type NodeState } from './state.ts'

/** What is known now; programs that are missing are why nothing else can be said to be applied. */
export function reportOf({ wanted, known, missing, probes }: NodeState): Report {
  const addresses = wanted ? addressesOf(targetsOf(wanted.spec)).sort() : []
  const lacking = missing.length > 0 && { applied: { reason: 'ToolMissing', detail: missing.join(', ') } as const }
  return {
    ...known,
    ...lacking,
    nextHops: addresses.map((address) => ({ address, reachability: probes?.of(address) })),
  }
}
