import { isGone, type Outcome } from '@kosmos/kube'
import { Failure } from '../terminal/failure.ts'

/**
 * Takes a deletion that did not happen for the end of the command; what is gone already is gone.
 * @param what cluster and object, e.g. `root: node a`
 * @param next what to do
 */
export function mustBeGone(outcome: Outcome<unknown>, what: string, next: string): void {
  if (outcome.ok || isGone(outcome)) return
  throw new Failure(`${what} was not deleted: ${outcome.status.message}`, { next })
}

export const rightToDelete = (what: string): string => `use credentials for the root that may delete ${what}`
