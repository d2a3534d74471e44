import type { StoredClusterNode } from '@kosmos/cluster-link'
import { type Finding, ok, problem } from '../../findings/finding.ts'
import { age } from '../../output/age.ts'
import { some } from '../listed.ts'
import type { TunnelState } from '../network/tunnels.ts'
import type { LinkView } from '../network/view.ts'

/** More pairs than this are counted. */
const MANY = 8

/**
 * One finding for each node that nobody reaches, then one for each pair of nodes that do not reach each other; what
 * explains most comes first.
 */
export function silenceFindings(view: LinkView, tunnels: readonly TunnelState[]): Finding[] {
  const id = 'tunnels'
  const down = tunnels.filter(({ state }) => state === 'down')
  if (down.length === 0) {
    const up = tunnels.filter(({ state }) => state === 'up').length
    return [{ id, verdict: ok(`${up} of ${tunnels.length} next hops answer, none is silent`) }]
  }
  const lonely = lonelyNodes(tunnels, down)
  const rest = pairs(down.filter(({ from, to }) => !lonely.has(from) && !lonely.has(to)))
  const findings = [
    ...[...lonely].map((node) => finding(view, node, undefined, touching(down, node))),
    ...rest.map(([a, b, between]) => finding(view, a, b, between)),
  ]
  const left = findings.length - MANY
  if (left <= 0) return findings
  const more = problem(`${left} more nodes or pairs of nodes do not answer`, 'kosmosctl link check --nodes -o json')
  return [...findings.slice(0, MANY), { id, verdict: more }]
}

const touching = (tunnels: readonly TunnelState[], node: string) =>
  tunnels.filter(({ from, to }) => from === node || to === node)

/** Nodes with several peers of which none answers, those with the most peers first; peers of theirs are not blamed too. */
function lonelyNodes(tunnels: readonly TunnelState[], down: readonly TunnelState[]): Set<string> {
  const found = new Set<string>()
  const candidates = [...new Set(down.flatMap(({ from, to }) => [from, to]))]
    .map((node) => ({ node, peers: new Set(touching(tunnels, node).flatMap(({ from, to }) => [from, to])).size - 1 }))
    .filter(({ node, peers }) => peers > 1 && touching(tunnels, node).every(({ state }) => state !== 'up'))
    .sort((a, b) => b.peers - a.peers || (a.node < b.node ? -1 : 1))
  for (const { node } of candidates) {
    const open = touching(down, node).filter(({ from, to }) => !found.has(from === node ? to : from))
    if (new Set(open.flatMap(({ from, to }) => [from, to])).size > 2) found.add(node)
  }
  return found
}

function pairs(down: readonly TunnelState[]): [string, string, TunnelState[]][] {
  const byPair = Map.groupBy(down, ({ from, to }) => [from, to].sort().join(' '))
  return [...byPair.values()].map((between) => {
    const [a = '', b = ''] = [between[0]?.from ?? '', between[0]?.to ?? ''].sort()
    return [a, b, between]
  })
}

function finding({ facts }: LinkView, a: string, b: string | undefined, between: readonly TunnelState[]): Finding {
  const peers = b === undefined ? [...new Set(between.map(({ from, to }) => (from === a ? to : from)))].sort() : [b]
  const devs = [...new Set(between.map(({ dev }) => dev))].sort()
  const ports = [...new Set(between.map(({ port }) => port))]
    .sort()
    .map((port) => `UDP ${port}`)
    .join(' and ')
  const since = between.flatMap(({ since }) => since ?? []).sort()[0]
  const nodes = new Map(
    facts.clusters.flatMap(({ name, nodes }) => nodes.map((node) => [`${name}/${node.spec.nodeName}`, node])),
  )
  const address = (place: string) => `${place} (${underlayOf(nodes.get(place))})`
  const only = b === undefined ? ', and none of its other tunnels either' : ''
  const direction = between.length === 1 && b ? `${between[0]?.to} does not answer ${between[0]?.from}` : undefined
  const what = direction ?? `${a} and ${some(peers)} do not reach each other`
  const others = b === undefined ? `the other nodes: ${some(peers.map(address))}` : address(b)
  return {
    id: 'tunnels',
    cluster: a.split('/')[0] ?? a,
    verdict: problem(
      `${what} by ${devs.join(', ')}, since ${age(since, facts.now)}${only}`,
      `is ${a} up? If so let ${ports} pass, both ways, between ${address(a)} and ${others}`,
    ),
  }
}

function underlayOf(node: StoredClusterNode | undefined): string {
  const { ip, ip6, endpoint } = node?.spec ?? {}
  const own = ip ?? ip6 ?? 'address unknown'
  return endpoint === undefined ? own : `${own}, for other clusters ${endpoint}`
}
