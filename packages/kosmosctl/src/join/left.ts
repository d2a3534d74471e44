import type { Left } from '../terminal/interruption.ts'

/** The steps of a join by their titles, in the order in which they come. */
export const steps = {
  look: 'looking at both clusters',
  claim: (name: string) => `claiming the name "${name}" in the root`,
  kinds: 'installing the kinds of kosmos.io in the root',
  sharedKinds: 'installing ServiceExport and ServiceImport in the leaf where they are missing',
  account: 'creating an account for the root in the leaf',
  logIn: 'logging in to the leaf with it',
  store: (name: string) => `storing Cluster "${name}" in the root`,
  wait: 'waiting for the virtual nodes',
} as const

/** Those of a join of the root itself, after the look; titles of their own, since they leave something else behind. */
export const rootSteps = {
  kinds: 'installing the kinds of kosmos.io',
  sharedKinds: 'installing ServiceExport and ServiceImport where they are missing',
  store: (name: string) => `storing Cluster "${name}" and its agents in the root`,
} as const

/** What a join that is interrupted in a step leaves behind. Pure. */
export function leftOfJoin(name: string, step: string | undefined): Left {
  const again = 'run join again, it takes up where it stopped'
  switch (step) {
    case undefined:
    case steps.look:
      return { what: 'nothing was changed', next: 'run join again' }
    case steps.wait:
      return {
        what: `Cluster "${name}" is joined, its virtual nodes may not be Ready yet`,
        next: `kosmosctl check ${name}`,
      }
    case rootSteps.kinds:
    case rootSteps.sharedKinds:
      return { what: 'kinds that were installed by then stay, nothing else was changed', next: again }
    case rootSteps.store(name):
      return {
        what: `Cluster "${name}" may be there, and its agents in part`,
        next: `${again}; or kosmosctl unjoin ${name}`,
      }
    default:
      return {
        what: `the name "${name}" is kept for this leaf, and the account in the leaf may be there`,
        next: `${again}; or kosmosctl unjoin ${name} --leaf-kubeconfig of an administrator of the leaf`,
      }
  }
}
