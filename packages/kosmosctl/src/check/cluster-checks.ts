import { ApiError, isForbidden } from '@kosmos/kube'
import { clockVerdict } from '../findings/clock.ts'
import { type Check, ok, problem, skipped, type Verdict, warning } from '../findings/finding.ts'
import { leafVersionVerdict } from '../findings/version.ts'
import { isReady } from '../join/wait-ready.ts'
import { explain } from '../terminal/explain.ts'
import type { ClusterFacts } from './cluster-facts.ts'
import { addressVerdict } from './root-address.ts'
import { describeNeed } from './rules.ts'
import { issuerVerdict } from './token-issuer.ts'

/** What can be wrong with one leaf. */
export const clusterChecks: readonly Check<ClusterFacts>[] = [
  { id: 'reachable', run: (facts) => condition(facts, 'Reachable') },
  { id: 'credentials-valid', run: (facts) => condition(facts, 'CredentialsValid') },
  { id: 'virtual-nodes-ready', run: virtualNodes },
  { id: 'credentials-expiry', run: credentialsExpiry },
  { id: 'leaf-from-here', run: leafFromHere },
  { id: 'leaf-version', run: leafVersion },
  { id: 'leaf-clock', run: leafClock },
  { id: 'leaf-rights', run: leafRights },
  {
    id: 'root-address',
    run: ({ cluster, rootAddress }) => addressVerdict(cluster.spec.clusterTreeOptions?.rootAPIServer, rootAddress),
  },
  {
    id: 'token-issuer',
    run: ({ cluster, tokenIssuer }) => issuerVerdict(cluster.spec.clusterTreeOptions?.rootAPIServer, tokenIssuer),
  },
]

/** What can be wrong with the root as a member of the network; kosmosctl link check looks closer. */
export const linkedRootChecks: readonly Check<Pick<ClusterFacts, 'cluster'>>[] = [
  { id: 'linked', run: (facts) => condition(facts, 'Linked') },
]

/** What the controllers say of a leaf because it does not answer, which is a problem once: Reachable. */
const followingFromSilence = new Set(['CredentialsValid Unverified', 'VirtualNodesReady LeafUnreachable'])

/** A condition that the controllers wrote; its message says what to do. */
function condition({ cluster }: Pick<ClusterFacts, 'cluster'>, type: string): Verdict {
  const found = cluster.status?.conditions?.find((one) => one.type === type)
  if (found === undefined) return problem(`no controller has set ${type}`, 'start the controllers: kosmosctl install')
  if (found.status === 'True') return ok(found.message)
  if (followingFromSilence.has(`${type} ${found.reason}`)) return skipped('not known while the leaf does not answer')
  const [what = found.message, fix] = found.message.split(/;\s+/, 2)
  return problem(`${found.reason}: ${what}`, fix ?? `kubectl describe cluster.kosmos.io ${cluster.metadata.name}`)
}

function virtualNodes(facts: ClusterFacts): Verdict {
  const verdict = condition(facts, 'VirtualNodesReady')
  const waiting = facts.virtualNodes.filter((node) => !isReady(node)).map(({ metadata }) => metadata.name)
  if (verdict.status !== 'ok' || waiting.length === 0) return verdict
  return problem(`${waiting.join(', ')} is not Ready`, `kubectl describe node ${waiting.join(' ')}`)
}

function credentialsExpiry({ credentials, cluster, now }: ClusterFacts): Verdict {
  const renew = `kosmosctl join ${cluster.metadata.name} --kubeconfig LEAF renews them`
  if (areKept(credentials)) return keptFromYou
  if ('error' in credentials) return problem(explain(credentials.error).message, renew)
  const { life } = credentials
  if (life === undefined) return skipped('the credentials do not say when they end')
  const until = new Date(life.expiresAt).toISOString()
  if (life.expiresAt <= now) return problem(`the credentials ended at ${until}`, renew)
  // The controllers renew at half of the life.
  const overdue = life.issuedAt + (life.expiresAt - life.issuedAt) * 0.75
  if (now > overdue) return warning(`the credentials end at ${until} and have not been renewed`, renew)
  return ok(`the credentials are valid until ${until}`)
}

const keptFromYou = skipped(
  'not looked at, because your credentials may not get the Secret in the root that has those of the leaf',
)

/** Whether the root has the credentials, and does not show them to who asks. */
function areKept(credentials: ClusterFacts['credentials']): boolean {
  return 'error' in credentials && isForbidden(credentials.error)
}

function leafFromHere({ leaf, credentials, cluster }: ClusterFacts): Verdict {
  if (areKept(credentials)) return keptFromYou
  if (!('error' in leaf)) return ok('the leaf answers this machine')
  const { message, next } = explain(leaf.error)
  const reachable = cluster.status?.conditions?.find(({ type }) => type === 'Reachable')?.status === 'True'
  const refused = leaf.error instanceof ApiError
  // That this machine is elsewhere than the controllers is nothing to repair.
  if (reachable && !refused) return skipped(`the controllers reach the leaf, this machine does not: ${message}`)
  // Nobody logs in with what the root holds.
  const isNobody = refused && (leaf.error as ApiError).code === 401
  const again = `kosmosctl join ${cluster.metadata.name} --kubeconfig LEAF renews the credentials`
  return problem(message, (isNobody ? undefined : next) ?? again)
}

const notAsked = skipped('not looked at, because the leaf could not be asked')

function leafVersion({ leaf, rootVersion }: ClusterFacts): Verdict {
  return 'error' in leaf ? notAsked : leafVersionVerdict(leaf.version, rootVersion)
}

function leafClock({ leaf }: ClusterFacts): Verdict {
  return 'error' in leaf ? notAsked : clockVerdict('the leaf', leaf.clockOffsetMs)
}

function leafRights({ leaf, cluster }: ClusterFacts): Verdict {
  if ('error' in leaf) return notAsked
  if (leaf.missing.length === 0) return ok('the credentials have the rights that join grants')
  const some = leaf.missing.slice(0, 6).map(describeNeed).join(', ')
  const more = leaf.missing.length > 6 ? ` and ${leaf.missing.length - 6} more` : ''
  return problem(
    `the credentials may not ${some}${more}`,
    `kosmosctl join ${cluster.metadata.name} --kubeconfig LEAF grants what this version needs`,
  )
}
