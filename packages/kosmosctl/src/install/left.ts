import type { Left } from '../terminal/interruption.ts'

/** The last step of an install, by its title. */
export const waitingForControllers = 'waiting for the controllers'

/** What an install that is interrupted in a step leaves behind. Pure. */
export function leftOfInstall(step: string | undefined): Left {
  if (step === undefined) return { what: 'nothing was changed', next: 'kosmosctl install' }
  if (step === waitingForControllers) {
    return {
      what: 'everything is installed, and the controllers may not be up to date yet',
      next: 'kubectl get pods -n kosmos-system; kosmosctl install waits again',
    }
  }
  return {
    what: 'what has been applied by then stays, the rest is missing',
    next: 'kosmosctl install goes on; kosmosctl uninstall removes what there is',
  }
}
