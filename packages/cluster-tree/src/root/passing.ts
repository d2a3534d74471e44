import type { Outcome } from '@kosmos/kube'

/** Throws what only the root's administrator can mend; what another change has caused, the watch follows up. */
export function throwUnlessPassing(outcome: Outcome<unknown>, what: string): void {
  if (outcome.ok || (outcome.reason !== 'Forbidden' && outcome.reason !== 'Invalid')) return
  throw new Error(`the root does not take ${what}: ${outcome.status.message}`)
}
