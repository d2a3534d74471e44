import { clusterNameProblem, type LeafModel, virtualNodeModels } from '@kosmos/api'
import { labelSelector } from '@kosmos/kube'
import { ok, problem, skipped, type Verdict, warning } from '../findings/finding.ts'
import { knownCluster } from './chosen.ts'
import { type JoinFacts, reached, unknown } from './facts.ts'
import { leafModels, leafModelsProblem } from './leaf-models.ts'

/** The virtual nodes that the Cluster will describe: as chosen, else as before; undefined: it says nothing of them. Pure. */
export function chosenModels(facts: JoinFacts): readonly LeafModel[] | undefined {
  const { model, leaf } = facts
  return model ? leafModels(model, reached(leaf)?.nodes ?? []) : knownCluster(facts)?.leafModels
}

/** Nodes and groups that are chosen exist. Pure. */
export function leafNodesAreThere(facts: JoinFacts): Verdict {
  const { model } = facts
  if (model === undefined || model.kind === 'cluster') return ok('the virtual nodes depend on no node of the leaf')
  const nodes = reached(facts.leaf)?.nodes
  if (nodes === undefined) return unknown('leaf')
  const models = chosenModels(facts) ?? []
  if (model.kind === 'node') {
    const labels = model.selector.toString()
    const which = labels === '' ? 'node' : `node with the labels ${labels}`
    const problemOfThem = leafModelsProblem(models)
    if (models.length === 0) return problem(`the leaf has no ${which}`, 'see: kubectl get nodes --show-labels')
    if (problemOfThem === undefined) return ok(`${models.length} nodes of the leaf become virtual nodes`)
    return problem(
      `${models.length} nodes of the leaf cannot become virtual nodes: ${problemOfThem}`,
      'choose fewer with --node-selector',
    )
  }
  const empty = model.groups.find(({ nodeSelector }) => {
    const selector = labelSelector(nodeSelector?.labelSelector)
    return !nodes.some(({ labels }) => selector.matches(labels))
  })
  if (!empty) return ok('every group has nodes of the leaf')
  const selector = labelSelector(empty.nodeSelector?.labelSelector)
  return warning(
    `no node of the leaf is in group "${empty.leafNodeName}" (${selector}): its virtual node is not Ready until one is`,
    'see kubectl get nodes --show-labels; a group is written NAME=SELECTOR, such as gpu=pool=gpu',
  )
}

/** No other node of the root has the name of a virtual node. Pure. */
export function nodeNamesAreFree(facts: JoinFacts): Verdict {
  const { name, root, leaf, model } = facts
  if (clusterNameProblem(name) !== undefined) return skipped('not looked at, because the name is none')
  const found = reached(root)
  if (found === undefined) return unknown('root')
  if (model && reached(leaf) === undefined) return unknown('leaf')
  const names = new Set(virtualNodeModels(name, chosenModels(facts)).map(({ name }) => name))
  const taken = found.nodes.filter((node) => names.has(node.name) && node.cluster !== name)
  const [first] = taken
  if (!first) return ok('the names of the virtual nodes are free')
  const others = taken.length > 1 ? ` (and ${taken.length - 1} more)` : ''
  const whose = first.cluster === undefined ? 'the root has a node' : `Cluster "${first.cluster}" has a virtual node`
  const isKnown = found.clusters.some((cluster) => cluster.name === name)
  // Who only renews the credentials of a leaf that is joined is not kept from it.
  return (model || !isKnown ? problem : warning)(
    `${whose} of the name ${first.name} already${others}`,
    'choose another --model, another name of the group, or another name for the cluster',
  )
}
