import type { Left } from '../terminal/interruption.ts'

/** Steps of a join, by their titles. */
export const steps = { look: 'looking at both clusters', wait: 'waiting for the virtual nodes' } as const

/** What a join that is interrupted in a step leaves behind. Pure. */
export function leftOfJoin(name: string, step: string | undefined): Left {
  if (step === undefined || step === steps.look) return { what: 'nothing was changed', next: 'run join again' }
  if (step === steps.wait) {
    return {
      what: `Cluster "${name}" is joined, its virtual nodes may not be Ready yet`,
      next: `kosmosctl check ${name}`,
    }
  }
  return {
    what: `the name "${name}" is kept for this leaf, and the account in the leaf may be there`,
    next: `run join again, it takes up where it stopped; or kosmosctl unjoin ${name} --leaf-kubeconfig of an administrator of the leaf`,
  }
}
