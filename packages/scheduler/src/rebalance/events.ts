import type { EventContent } from '@kosmos/kube'
import type { CompiledPolicy } from '../policies/compiled-policy.ts'

/** What the user reads on a pod that is moved to where it belongs; nothing else writes event text about it. */
export const rebalanceEvents = {
  rebalanced: ({ name, topologyKey }: CompiledPolicy, value: string): EventContent => ({
    type: 'Normal',
    reason: 'Rebalanced',
    action: 'Rebalancing',
    note: `WorkloadPolicy ${name} wants one more pod at ${topologyKey}=${value}, where there is room; this one is evicted, and its successor goes there`,
  }),
  notRebalanced: ({ name, topologyKey }: CompiledPolicy, value: string, why: string): EventContent => ({
    type: 'Warning',
    reason: 'NotRebalanced',
    action: 'Rebalancing',
    note: `WorkloadPolicy ${name} would have it at ${topologyKey}=${value}, and its eviction is refused; it is tried again: ${why}`,
  }),
}
