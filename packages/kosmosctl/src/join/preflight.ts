import { clusterNameProblem, isRootCluster } from '@kosmos/api'
import { ApiError, ClusterUnreachable } from '@kosmos/kube'
import { isLoopback } from '../clusters/loopback.ts'
import { leafIdAnnotation } from '../clusters/names.ts'
import { describeRight } from '../clusters/rights.ts'
import { clockVerdict } from '../findings/clock.ts'
import { type Check, ok, problem, type Verdict, warning } from '../findings/finding.ts'
import { leafVersionVerdict, rootVersionVerdict } from '../findings/version.ts'
import { explain, isTlsError } from '../terminal/explain.ts'
import { chosenTree, knownCluster } from './chosen.ts'
import { type ClusterFacts, isRootItself, type JoinFacts, type KnownCluster, reached, unknown } from './facts.ts'
import { leafNodesAreThere, nodeNamesAreFree } from './virtual-node-checks.ts'

/** Everything that would make a join fail later, or go wrong silently. Nothing has been changed when they run. */
export const joinChecks: readonly Check<JoinFacts>[] = [
  { id: 'name', run: nameIsValid },
  { id: 'root-reachable', run: ({ root }) => isReachable('root', root) },
  { id: 'leaf-reachable', run: ({ leaf }) => isReachable('leaf', leaf) },
  { id: 'leaf-certificate', run: certificateIsVerified },
  { id: 'leaf-address', run: addressWorksElsewhere },
  { id: 'leaf-version', run: leafVersionIsSupported },
  { id: 'root-version', run: rootVersionIsSupported },
  { id: 'leaf-is-not-root', run: leafIsNotRoot },
  { id: 'name-free', run: nameIsFree },
  { id: 'not-joined', run: leafIsNotJoined },
  { id: 'not-linked', run: leafIsNotLinked },
  { id: 'leaf-nodes', run: leafNodesAreThere },
  { id: 'node-names', run: nodeNamesAreFree },
  { id: 'root-crds', run: definitionExists },
  { id: 'root-rights', run: ({ root }) => hasRights('root', root) },
  { id: 'leaf-rights', run: leafRights },
  { id: 'root-clock', run: ({ root }) => clockAgrees('root', root) },
  { id: 'leaf-clock', run: ({ leaf }) => clockAgrees('leaf', leaf) },
]

function nameIsValid({ name }: JoinFacts): Verdict {
  const wrong = clusterNameProblem(name)
  return wrong === undefined
    ? ok(`"${name}" is a valid name`)
    : problem(`the name ${wrong}`, 'choose another name for the cluster')
}

function isReachable(side: 'root' | 'leaf', { server, askedBy, found }: ClusterFacts<unknown>): Verdict {
  if (!('error' in found)) return ok(`the ${side} answers at ${server}`)
  const { error } = found
  const { message, next } = explain(error, askedBy)
  const flag = side === 'leaf' ? '--kubeconfig' : '--root-kubeconfig'
  const fix = next ?? `check the kubeconfig given by ${flag}`
  if (error instanceof ClusterUnreachable) {
    const what = isTlsError(error) ? 'is not trusted' : 'cannot be reached from this machine'
    return problem(`the ${side} at ${server} ${what}: ${detail(error)}`, fix)
  }
  if (error instanceof ApiError && error.code === 401) {
    return problem(`the ${side} at ${server} does not accept the credentials (401)`, fix)
  }
  return problem(`the ${side} at ${server} cannot be used: ${message}`, fix)
}

function detail(error: ClusterUnreachable): string {
  return error.message.replace(/^.*?: no answer from \S+: /, '')
}

function certificateIsVerified(facts: JoinFacts): Verdict {
  const found = reached(facts.leaf)
  if (found === undefined) return unknown('leaf')
  if (isRootItself(facts)) return reachesItself
  if (!found.unverified) return ok("the leaf's certificate is verified")
  return problem(
    "the leaf's kubeconfig sets insecure-skip-tls-verify, and the controllers never speak to a server they cannot verify",
    "replace it by certificate-authority-data with the leaf's CA (ConfigMap kube-root-ca.crt of any of its namespaces has it)",
  )
}

const reachesItself = ok('the root is reached by the credentials that its controllers have anyway')

function addressWorksElsewhere(facts: JoinFacts): Verdict {
  const { leaf, root, serverOverride } = facts
  if (isRootItself(facts)) return reachesItself
  const address = serverOverride ?? leaf.server
  if (serverOverride !== undefined && protocolOf(serverOverride) !== 'https:') {
    return problem(`--server ${serverOverride} is no address of an API server`, 'give it as https://host:port')
  }
  if (isLoopback(address) && !isLoopback(root.server)) {
    return problem(
      `${address} is a loopback address: the controllers in the root cannot reach the leaf there`,
      'say with --server at which address they can',
    )
  }
  // Who gives such an address by --server knows that the controllers are here.
  if (isLoopback(address) && serverOverride === undefined) {
    return warning(
      `${address} is a loopback address: only controllers that run on this machine reach the leaf there`,
      'if yours run elsewhere (also in a container of this machine), say with --server at which address they reach it',
    )
  }
  return ok(`the controllers will reach the leaf at ${address}`)
}

function protocolOf(address: string): string {
  return URL.canParse(address) ? new URL(address).protocol : ''
}

function leafVersionIsSupported({ leaf, root }: JoinFacts): Verdict {
  const version = reached(leaf)?.version
  return version === undefined ? unknown('leaf') : leafVersionVerdict(version, reached(root)?.version)
}

function rootVersionIsSupported({ root }: JoinFacts): Verdict {
  const version = reached(root)?.version
  return version === undefined ? unknown('root') : rootVersionVerdict(version)
}

function leafIsNotRoot(facts: JoinFacts): Verdict {
  const { leaf, root, link, tree } = facts
  const leafId = reached(leaf)?.id
  const rootId = reached(root)?.id
  if (leafId === undefined || rootId === undefined) return unknown(leafId === undefined ? 'leaf' : 'root')
  if (leafId !== rootId) return ok('leaf and root are two clusters')
  if (link && !chosenTree(knownCluster(facts), tree)) return ok('the root itself is linked, without virtual nodes')
  return problem(
    `${leaf.server} and ${root.server} are the same cluster: the root cannot be its own leaf`,
    'give the leaf with --kubeconfig/--context and the root with --root-kubeconfig/--root-context; or link the root itself: --link --no-tree',
  )
}

function nameIsFree({ name, root, leaf }: JoinFacts): Verdict {
  const found = reached(root)
  if (found === undefined) return unknown('root')
  const other = found.clusters.find((cluster) => cluster.name === name)
  if (other === undefined) return ok(`no Cluster is called "${name}"`)
  if (other.deleting) {
    return problem(
      `Cluster "${name}" is being removed`,
      `wait until it is gone, or finish it: kosmosctl unjoin ${name} --force`,
    )
  }
  const id = reached(leaf)?.id
  if (id !== undefined && standsFor(other, id, found.id)) return ok(`"${name}" is this leaf: join continues`)
  return problem(
    `the name "${name}" is taken by another cluster`,
    `choose another name, or remove that cluster first: kosmosctl unjoin ${name}`,
  )
}

/** Whether a Cluster is the one with this id; of the root there may be one that somebody else has made. */
function standsFor({ annotations }: KnownCluster, id: string, rootId: string): boolean {
  return annotations[leafIdAnnotation] === id || (id === rootId && isRootCluster({ metadata: { annotations } }))
}

function leafIsNotJoined({ name, root, leaf }: JoinFacts): Verdict {
  const id = reached(leaf)?.id
  const found = reached(root)
  if (id === undefined || found === undefined) return unknown(id === undefined ? 'leaf' : 'root')
  const other = found.clusters.find((cluster) => cluster.name !== name && standsFor(cluster, id, found.id))
  if (other === undefined) return ok('the leaf is not joined under another name')
  return problem(
    `the leaf is joined already, as "${other.name}"`,
    `use that, or give it up first: kosmosctl unjoin ${other.name}`,
  )
}

/** Both would write its NodeConfigs, and the conditions of its ServiceExports. */
function leafIsNotLinked({ link, root, leaf }: JoinFacts): Verdict {
  const [found, rootId] = [reached(leaf), reached(root)?.id]
  if (!link) return ok('the leaf is not to be linked')
  if (found === undefined || rootId === undefined) return unknown(found === undefined ? 'leaf' : 'root')
  const { linkedBy = rootId } = found
  if (linkedBy === rootId) return ok('no other root has linked the leaf')
  return problem(
    `the leaf is linked by another root (whose kube-system has the uid ${linkedBy}), and one network is all that its nodes can be in`,
    'give it up there first, by kosmosctl unjoin; or join it here without --link',
  )
}

function definitionExists({ root, installCrds }: JoinFacts): Verdict {
  const found = reached(root)
  if (found === undefined) return unknown('root')
  switch (found.definition) {
    case 'current':
      return ok('the root knows the kind Cluster')
    case 'other':
      return warning(
        'the definition of the kind Cluster in the root is of another version of Kosmos',
        'kosmosctl install --crds-only',
      )
    case 'missing':
      return installCrds
        ? ok('the kind Cluster will be installed in the root')
        : problem('the root does not know the kind Cluster', 'kosmosctl install --crds-only')
  }
}

function hasRights(side: 'root' | 'leaf', cluster: ClusterFacts<unknown>): Verdict {
  const found = reached(cluster)
  if (found === undefined) return unknown(side)
  if (found.missingRights.length === 0) return ok(`the credentials for the ${side} have the rights`)
  return problem(
    `the credentials for the ${side} may not ${found.missingRights.map(describeRight).join(', ')}`,
    `use a kubeconfig of an administrator of the ${side}, or have these rights granted`,
  )
}

function leafRights(facts: JoinFacts): Verdict {
  const verdict = hasRights('leaf', facts.leaf)
  const refusal = reached(facts.leaf)?.roleRefusal
  if (verdict.status !== 'ok' || refusal === undefined) return verdict
  return problem(
    `the leaf would not store the rights that Kosmos needs: ${refusal}`,
    'use a kubeconfig of an administrator of the leaf (who may do all that he grants)',
  )
}

function clockAgrees(side: 'root' | 'leaf', cluster: ClusterFacts<unknown>): Verdict {
  const found = reached(cluster)
  return found === undefined ? unknown(side) : clockVerdict(`the ${side}`, found.clockOffsetMs)
}
