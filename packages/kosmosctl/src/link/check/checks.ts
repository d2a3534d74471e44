import { overlapsIn, tunnelBetween } from '@kosmos/cluster-link'
import { type Check, type Finding, judge, ok, problem, skipped, type Verdict, warning } from '../../findings/finding.ts'
import { idleController } from '../../findings/idle-controller.ts'
import { some } from '../listed.ts'
import { type PairState, pairStates } from '../network/pairs.ts'
import { type TunnelState, tunnelsOf } from '../network/tunnels.ts'
import type { LinkView } from '../network/view.ts'
import { nodeChecks } from './node-checks.ts'
import { silenceFindings } from './silence.ts'

/** A leader renews every few seconds. */
const leaseFreshMs = 45_000

/** What follows from a look at linked clusters: how they reach each other, and what is wrong. */
export interface LinkJudgement {
  readonly tunnels: readonly TunnelState[]
  readonly pairs: readonly PairState[]
  readonly findings: readonly Finding[]
}

/** Only ways from or to the chosen clusters. Pure. */
export function judgeLink(view: LinkView, chosen: ReadonlySet<string>): LinkJudgement {
  const isMeant = ({ from, to }: { readonly from: string; readonly to: string }) =>
    [from, to].some((place) => chosen.has(place.split('/')[0] ?? ''))
  const all = tunnelsOf(view)
  const pairs = pairStates(view, all).filter(isMeant)
  const tunnels = all.filter(isMeant)
  const perCluster = view.facts.clusters
    .filter(({ name }) => chosen.has(name))
    .flatMap((cluster) => judge(nodeChecks, { view, cluster }, cluster.name))
  const findings = [
    ...judge(networkChecks, { view, tunnels, pairs }),
    ...perCluster,
    ...silenceFindings(view, tunnels),
    ...lossFindings(tunnels, view.facts.now),
  ]
  return { tunnels, pairs, findings }
}

interface NetworkFacts {
  readonly view: LinkView
  readonly tunnels: readonly TunnelState[]
  readonly pairs: readonly PairState[]
}

/** What can be wrong between clusters. */
const networkChecks: readonly Check<NetworkFacts>[] = [
  { id: 'link-controller', run: controller },
  { id: 'networks-distinct', run: overlaps },
  { id: 'pairs', run: unreached },
  { id: 'policies', run: policies },
  { id: 'encryption', run: encryption },
]

function controller({ view: { facts } }: NetworkFacts): Verdict {
  const { controllerSeen, now } = facts
  if (controllerSeen !== undefined && now - controllerSeen < leaseFreshMs) return ok('cluster-link is at work')
  const since = controllerSeen === undefined ? 'so far' : `for ${Math.round((now - controllerSeen) / 1000)} s`
  const { what, fix } = facts.controller ? idleController(facts.controller) : keptFromYou
  return problem(
    `cluster-link has not been at work ${since} (${what}): nodes go on with what they have, changes are not followed`,
    fix,
  )
}

const keptFromYou = {
  what: 'your credentials may not get its Deployment in kosmos-system',
  fix: 'kubectl get deployment -n kosmos-system clusterlink, by an administrator of the root; kosmosctl install brings it',
}

function overlaps({ view: { facts } }: NetworkFacts): Verdict {
  const found = overlapsIn(facts.network)
  if (found.length === 0) return ok('no network is in two clusters')
  const sentences = found.map(
    ({ cluster, cidr, otherCluster, otherCidr }) => `${cidr} of ${cluster} and ${otherCidr} of ${otherCluster}`,
  )
  return problem(
    `networks overlap, and only one of two can be reached: ${some(sentences)}`,
    'map one of each to a free network: spec.clusterLinkOptions.globalCIDRsMap of its Cluster',
  )
}

function unreached({ pairs }: NetworkFacts): Verdict {
  if (pairs.length === 0) return warning('fewer than two linked clusters are known', 'kosmosctl join NAME --link')
  const without = pairs.filter(({ verdict }) => verdict === 'none').map(({ from, to }) => `${from} → ${to}`)
  const foreseen = pairs.filter(({ verdict }) => verdict !== 'forbidden').length
  if (without.length === 0) return ok(`${foreseen} ways between clusters are foreseen`)
  return problem(
    `no way is foreseen: ${some(without)}`,
    'do they share a family (ipFamily), have a gateway where one is asked for, and networks that do not overlap?',
  )
}

function policies({ view: { facts }, pairs }: NetworkFacts): Verdict {
  const [unfollowed] = facts.clusters.flatMap(({ cluster: { status } }) => {
    const said = status?.conditions?.find(({ type }) => type === 'PoliciesFollowed')
    return said?.status === 'False' ? [said.message] : []
  })
  if (unfollowed !== undefined) return problem(unfollowed, 'kosmosctl install')
  const doubtful = facts.policies.flatMap(({ metadata: { name }, status }) => {
    const found = status?.conditions?.find(({ type }) => type === 'ClustersFound')
    return found?.status === 'False' ? [{ name, message: found.message }] : []
  })
  if (doubtful.length > 0) {
    return warning(
      `ClusterLinkPolicies may not do what is meant: ${some(doubtful.map(({ name, message }) => `${name}: ${message}`))}`,
      `kubectl edit clusterlinkpolicy ${doubtful[0]?.name}`,
    )
  }
  const apart = pairs.filter(({ from, to, verdict }) => verdict === 'forbidden' && from < to)
  if (apart.length === 0) return ok('no ClusterLinkPolicy keeps two clusters apart')
  const named = apart.map(({ from, to, policies = [] }) => `${from} and ${to} by ${some(policies)}`)
  return ok(`not allowed to talk by a ClusterLinkPolicy: ${some(named)}`)
}

function encryption({ view: { facts }, pairs }: NetworkFacts): Verdict {
  const clear = pairs.filter(
    ({ from, to, tunnel, verdict }) => from < to && tunnel === 'vxlan' && verdict !== 'forbidden',
  )
  if (clear.length === 0) return ok('all tunnels between clusters are encrypted')
  const names = some(clear.map(({ from, to }) => `${from} and ${to}`))
  const what = `between ${names} packets go in clear text`
  const isFar = clear.some(({ from, to }) => {
    const [a, b] = [facts.network.get(from), facts.network.get(to)]
    return a && b && tunnelBetween(a, b) === 'vxlan' && [a, b].some(({ networkType }) => networkType === 'gateway')
  })
  return isFar
    ? warning(what, 'spec.clusterLinkOptions.tunnel: wireguard or ipsec, in one of the two Clusters')
    : ok(what)
}

const tolerableLossPercent = 5
/** What agents say of losses goes back about as far; those of an outage that is over are not told again. */
const windowMs = 120_000

function lossFindings(tunnels: readonly TunnelState[], now: number): Finding[] {
  const lossy = tunnels.filter(
    ({ state, since, lossPercent = 0 }) =>
      state === 'up' && lossPercent >= tolerableLossPercent && now - Date.parse(since ?? '') > windowMs,
  )
  if (lossy.length === 0) return tunnels.length > 0 ? [] : [{ id: 'loss', verdict: skipped('there are no tunnels') }]
  const named = lossy.map(({ from, to, lossPercent }) => `${from} → ${to} ${lossPercent} %`)
  const verdict = warning(
    `packets are lost on the way: ${some(named)}`,
    'look at the network between these nodes: a full link, a duplex mismatch, or a firewall that limits rates',
  )
  return [{ id: 'loss', verdict }]
}
