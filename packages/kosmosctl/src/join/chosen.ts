import { type JoinFacts, type KnownCluster, reached } from './facts.ts'
import type { LinkChoices } from './root-manifests.ts'

type Known = Pick<KnownCluster, 'tree' | 'link'>

/** The Cluster as the root has it; undefined: it is joined for the first time. Pure. */
export function knownCluster({ name, root }: JoinFacts): KnownCluster | undefined {
  return reached(root)?.clusters.find((cluster) => cluster.name === name)
}

/** Whether it has virtual nodes: as chosen, else as before. Pure. */
export function chosenTree(known: Known | undefined, said: boolean | undefined): boolean {
  return said ?? known?.tree ?? true
}

/**
 * What the Cluster says of ClusterLink: as chosen, else as before, whoever has chosen it; undefined: nothing. What an apply leaves out
 * would go back to its default: a gateway to P2P, an encrypted tunnel to clear text. Pure.
 */
export function chosenLink(known: Known | undefined, said: LinkChoices | undefined): LinkChoices | undefined {
  if (said === undefined) return known?.link
  return { ...known?.link, enable: true, ...said }
}
