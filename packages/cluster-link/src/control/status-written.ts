import { isOvertaken, type Outcome, refused } from '@kosmos/kube'

/**
 * What the watch will tell is no failure: the object has gone or has changed meanwhile, and its key comes again.
 * @throws with the words of the API server when it refused for another reason
 */
export function expectStatusWritten(what: string, outcome: Outcome<unknown>): void {
  if (outcome.ok || isOvertaken(outcome)) return
  throw refused(`${what}: status cannot be written`, outcome)
}
