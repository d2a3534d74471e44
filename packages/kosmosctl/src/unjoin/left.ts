import type { Left } from '../terminal/interruption.ts'

/** The steps of an unjoin by their titles, in the order in which they come. */
export const steps = {
  look: 'looking for the leaf',
  cordon: 'cordoning',
  drain: 'draining',
  deletePods: 'deleting its pods',
  removeCluster: (name: string) => `removing Cluster "${name}"`,
  leave: 'removing what is ours in the leaf',
} as const

/** Those of an unjoin of the root itself; titles of their own, since they leave something else behind. */
export const rootSteps = {
  removeCluster: (name: string) => `removing Cluster "${name}", which is the root itself`,
  leave: 'removing its agents',
} as const

/** What an unjoin that is interrupted in a step leaves behind. Pure. */
export function leftOfUnjoin(name: string, step: string | undefined): Left {
  const again = `kosmosctl unjoin ${name} goes on where it stopped`
  switch (step) {
    case undefined:
    case steps.look:
      return { what: `nothing was changed, Cluster "${name}" is joined`, next: again }
    case steps.cordon:
    case steps.drain:
    case steps.deletePods:
      return {
        what: `Cluster "${name}" is joined still; its virtual nodes are cordoned, and pods that were evicted stay away`,
        next: `${again}; to keep it: kubectl uncordon -l kosmos.io/cluster=${name}`,
      }
    case steps.removeCluster(name):
      return {
        what: `Cluster "${name}" is being deleted, which the controllers go on with; the account in the leaf and the Secret of its credentials stay`,
        next: again,
      }
    case rootSteps.removeCluster(name):
      return {
        what: `Cluster "${name}" is being deleted, which the controllers go on with; its agents go with it`,
        next: again,
      }
    case rootSteps.leave:
      return {
        what: `Cluster "${name}" is gone; the garbage collector of the root removes its agents and their rights`,
        next: 'nothing has to be done; kubectl get daemonsets -n kosmos-link says whether they are gone',
      }
    default:
      return {
        what: `Cluster "${name}" is gone; something of ours may be in the leaf still, and the Secret of its credentials is there`,
        next: again,
      }
  }
}
