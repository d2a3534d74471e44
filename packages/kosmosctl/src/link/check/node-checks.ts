import { type Condition, isRootCluster } from '@kosmos/api'
import { type StoredNodeConfig, translatedByGateways } from '@kosmos/cluster-link'
import { type Check, ok, problem, skipped, type Verdict, warning } from '../../findings/finding.ts'
import { age } from '../../output/age.ts'
import { answersClusterSet } from '../dns/corefile.ts'
import { some } from '../listed.ts'
import { type LinkedCluster, linkNamespace } from '../network/facts.ts'
import { configsOf, insideOf, type LinkView, silentNodes } from '../network/view.ts'

export interface ClusterView {
  readonly view: LinkView
  readonly cluster: LinkedCluster
}

/** IPv6 asks for this much of any link; tunnels are never made narrower. */
const leastMtu = 1280
/** What the widest of our encapsulations adds: VXLAN within WireGuard, both over IPv6. */
const widestOverhead = 150

/** What can be wrong with one cluster and its nodes. */
export const nodeChecks: readonly Check<ClusterView>[] = [
  { id: 'cluster-asked', run: asked },
  { id: 'linked', run: linked },
  { id: 'networks', run: networks },
  { id: 'agents', run: agents },
  { id: 'agents-reported', run: reported },
  { id: 'applied', run: applied },
  { id: 'gateways', run: gateways },
  { id: 'endpoints', run: endpoints },
  { id: 'mtu', run: mtu },
  { id: 'kernels', run: kernels },
  { id: 'errors', run: errors },
  { id: 'service-names', run: serviceNames },
  { id: 'keys', run: keys },
  { id: 'clocks', run: clocks },
]

function asked({ cluster: { name, inside } }: ClusterView): Verdict {
  if (!('error' in inside)) return ok('its NodeConfigs were read')
  return problem(
    `its NodeConfigs were not read, so what its nodes say is not known: ${inside.error}`,
    `kosmosctl check ${name}; or ask it yourself with --cluster-kubeconfig ${name}=FILE`,
  )
}

/** Told by other checks in more detail. */
const toldElsewhere = new Set(['NodesNotReady', 'AgentsSilent', 'NetworksOverlap', 'NoGateway'])

function linked({ cluster: { name, cluster } }: ClusterView): Verdict {
  const found = cluster.status?.conditions?.find(({ type }) => type === 'Linked')
  if (found === undefined) return problem('no controller has looked at it', 'start cluster-link: kosmosctl install')
  if (found.status === 'True' || toldElsewhere.has(found.reason)) return ok(found.message)
  const [what = found.message, fix] = found.message.split(/;\s+/, 2)
  return problem(`${found.reason}: ${what}`, fix ?? `kubectl describe cluster.kosmos.io ${name}`)
}

function networks({ cluster: { name, cluster } }: ClusterView): Verdict {
  const found = cluster.status?.conditions?.find(({ type }) => type === 'NetworksFound')
  if (found === undefined) return skipped('no controller has said which networks it has')
  // What is quoted in it may have any sign in it, so that it is not taken apart.
  const said = `${found.reason}: ${found.message}`
  return found.status === 'True' ? ok(found.message) : problem(said, `kubectl describe cluster.kosmos.io ${name}`)
}

const notAsked = skipped('not looked at, because the cluster could not be asked')

function agents({ cluster }: ClusterView): Verdict {
  const inside = insideOf(cluster)
  if (inside === undefined) return notAsked
  if (inside.agents === undefined) {
    return skipped(`the credentials may not list pods in ${linkNamespace}, so whether agents run is not known`)
  }
  const running = new Set(
    inside.agents
      .filter(({ status }) => status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True'))
      .map(({ spec }) => spec.nodeName),
  )
  const without = cluster.nodes.map(({ spec }) => spec.nodeName).filter((node) => !running.has(node))
  if (without.length === 0) return ok('an agent runs on every node')
  return problem(
    `no agent is Ready on ${some(without)}; tunnels stay as they are, and what is said of them may be old`,
    `kubectl describe pods -n ${linkNamespace}, in ${cluster.name}`,
  )
}

function reported({ cluster, view }: ClusterView): Verdict {
  if (insideOf(cluster) === undefined) return notAsked
  const silent = silentNodes(cluster)
  const without = cluster.nodes
    .map(({ spec }) => spec.nodeName)
    .filter((node) => !silent.has(node))
    .filter((node) => view.configs.get(`${cluster.name}/${node}`)?.status?.conditions === undefined)
  const fix = `kubectl logs -n ${linkNamespace} ds/kosmos-link-agent, in ${cluster.name}: do they reach their API server?`
  if (without.length > 0) return problem(`agents have not reported: ${some(without)}`, fix)
  if (silent.size === 0) return ok('every agent has said of late that what it says holds')
  const ages = [...silent].map(([node, since]) => `${node} unknown (last word ${age(since, view.facts.now)} ago)`)
  return problem(`agents are silent, so it is not known how their nodes do: ${some(ages)}`, fix)
}

function applied({ cluster }: ClusterView): Verdict {
  if (insideOf(cluster) === undefined) return notAsked
  const configs = configsOf(cluster)
  const refused = configs.flatMap((config) => {
    const condition = appliedOf(config)
    return condition && condition.status !== 'True' ? [{ node: config.spec.nodeName, condition }] : []
  })
  if (refused.length > 0) {
    const whys = refused.map(({ node, condition: { reason, message } }) => `${node}: ${reason}: ${message}`)
    return problem(
      `nodes have not what they should: ${some(whys)}`,
      `put right what the message says; kubectl get nodeconfigs -o yaml, in ${cluster.name}, has all of it`,
    )
  }
  const behind = configs.filter(
    ({ metadata, status }) => status !== undefined && (status.observedGeneration ?? 0) < (metadata.generation ?? 0),
  )
  if (behind.length === 0) return ok('every node has what it should')
  return warning(
    `nodes have not yet applied the newest NodeConfig: ${some(behind.map(({ spec }) => spec.nodeName))}`,
    'wait a moment and look again',
  )
}

const appliedOf = ({ status }: StoredNodeConfig): Condition | undefined =>
  status?.conditions?.find(({ type }) => type === 'Applied')

function gateways({ cluster: { name }, view }: ClusterView): Verdict {
  const known = view.facts.network.get(name)
  if (known?.networkType !== 'gateway') return ok('every node has tunnels of its own')
  const chosen = [...known.nodes.values()].filter(({ isGateway }) => isGateway).map(({ name }) => name)
  if (chosen.length === 0) {
    return problem(
      'it has no gateway',
      'label a node that is Ready: kubectl label node NODE kosmos.io/link-gateway=true',
    )
  }
  if (chosen.length > 1) return ok(`its gateways are ${some(chosen)}`)
  return warning(
    `its only gateway is ${chosen[0]}: when it goes, nothing stands in for it`,
    'label another node as well: kubectl label node NODE kosmos.io/link-gateway=true',
  )
}

const tolerableSkewMs = 60_000

const setByNTP =
  'set the clocks by NTP. Tunnels have no certificates that a clock could end, but WireGuard refuses a node whose clock was set back until that time has come again'

function clocks({ cluster, view }: ClusterView): Verdict {
  const off = cluster.nodes.flatMap(({ spec, status }) => {
    const said = status?.conditions?.find(({ type }) => type === 'ClockRight')
    return said ? [`${spec.nodeName} ${said.message.split(': ').at(-1)}`] : []
  })
  if (off.length > 0) return warning(`clocks are not in step: ${some(off)}`, setByNTP)
  if (insideOf(cluster) === undefined) return notAsked
  const ahead = configsOf(cluster).flatMap(({ spec, status }) => {
    const ms = Date.parse(status?.lastSyncTime ?? '') - view.facts.now
    return ms > tolerableSkewMs ? [`${spec.nodeName} by ${Math.round(ms / 1000)} s`] : []
  })
  if (ahead.length === 0) return ok('no node is ahead of the clock of this machine')
  return warning(
    `clocks of nodes are ahead of this machine's: ${some(ahead)}; since when something holds is wrong by as much here`,
    setByNTP,
  )
}

/** A change of keys is a matter of seconds for each node. */
const keysPatienceMs = 10 * 60_000

function keys({ cluster, view }: ClusterView): Verdict {
  if (insideOf(cluster) === undefined) return notAsked
  const changing = configsOf(cluster).filter(
    ({ spec, status }) => spec.keys !== undefined && spec.keys.requestedAt !== status?.keys?.requestedAt,
  )
  if (changing.length === 0) return ok('no node is changing its keys')
  const late = changing.filter(({ spec }) => view.facts.now - Date.parse(spec.keys?.requestedAt ?? '') > keysPatienceMs)
  if (late.length === 0) return ok(`changing its keys: ${some(changing.map(({ spec }) => spec.nodeName))}`)
  const whys = late.map(({ spec, status }) => {
    const hasMade = status?.keys?.next?.requestedAt === spec.keys?.requestedAt
    return `${spec.nodeName} ${hasMade ? 'waits until all nodes that encrypt for it have applied its next key' : 'has not made its next key'}`
  })
  return warning(
    `keys are not changed though that was asked for long ago: ${some(whys)}; the present ones stay in use`,
    'see what is said of agents, here and in the other clusters: each has to be Ready, of this version, and reach its API server',
  )
}

/** A name that is wrong changes nothing, so that nobody would notice. */
function endpoints({ cluster: { name, cluster, nodes } }: ClusterView): Verdict {
  const known = new Set(nodes.map(({ spec }) => spec.nodeName))
  const unknown = Object.keys(cluster.spec.clusterLinkOptions?.endpoints ?? {}).filter((node) => !known.has(node))
  if (unknown.length === 0) return ok('every node that is said to be reached elsewhere is there')
  return warning(
    `endpoints names nodes that the cluster does not have: ${some(unknown)}`,
    `correct them in spec.clusterLinkOptions: kubectl edit cluster.kosmos.io ${name}`,
  )
}

function mtu({ cluster: { name }, view }: ClusterView): Verdict {
  const nodes = [...(view.facts.network.get(name)?.nodes.values() ?? [])]
  if (nodes.length === 0) return skipped('no node of it is known')
  const narrow = nodes.filter((node) => node.mtu < leastMtu + widestOverhead)
  if (narrow.length > 0) {
    return warning(
      `the network of ${some(narrow.map((node) => `${node.name} (MTU ${node.mtu})`))} is so narrow that tunnels may not fit`,
      `raise its MTU to ${leastMtu + widestOverhead} at least, or try large packets: kosmosctl link check --pods`,
    )
  }
  const sizes = new Set(nodes.map((node) => node.mtu))
  if (sizes.size === 1) return ok(`its nodes have an MTU of ${nodes[0]?.mtu}`)
  const least = Math.min(...sizes)
  const least1 = nodes.filter((node) => node.mtu === least).map((node) => node.name)
  return warning(
    `its nodes differ in MTU: ${some(least1)} has ${least}, others up to ${Math.max(...sizes)}; tunnels go by the least`,
    'nothing, if that is meant; else give all the same',
  )
}

/** Before 5.7 the checksum of a packet that was translated came out wrong when VXLAN left it to the device (calico#3145). */
const isOld = (kernel: string): boolean => {
  const [, major = '', minor = ''] = /^(\d+)\.(\d+)/.exec(kernel) ?? []
  return major !== '' && (Number(major) < 5 || (major === '5' && Number(minor) < 7))
}

function kernels({ cluster }: ClusterView): Verdict {
  const inside = insideOf(cluster)
  if (inside === undefined) return notAsked
  if (inside.kernels === undefined) return skipped('its nodes may not be listed, so their kernels are not known')
  const old = cluster.nodes.flatMap(({ spec: { nodeName } }) => {
    const kernel = inside.kernels?.get(nodeName) ?? ''
    return isOld(kernel) ? [`${nodeName} (${kernel})`] : []
  })
  if (old.length === 0) return ok('no node has a kernel that is known to spoil checksums within VXLAN')
  return warning(
    `nodes have Linux older than 5.7, which may send wrong checksums within VXLAN: ${some(old)}; connections to Services fail then, and pings do not`,
    'upgrade the kernel, unless the distribution has mended it in its own (RHEL 8 has); until then, on the node: ethtool -K vx-bridge tx-checksum-ip-generic off, and the same for vx-secure and vx-local where they are. On newer kernels leave it on: without it throughput falls by much',
  )
}

function errors({ cluster, view }: ClusterView): Verdict {
  if (insideOf(cluster) === undefined) return notAsked
  const known = view.facts.network.get(cluster.name)
  const toldTo = (node: string) => view.configs.get(`${cluster.name}/${node}`)
  const networks = known ? [...translatedByGateways(known, toldTo)] : []
  if (networks.length === 0) return ok('what nodes and pods say of packets (ICMP errors) is told to who has sent them')
  return warning(
    `gateways translate ${some(networks)}, as an earlier version had it, and not what ICMP errors say: callers wait in vain to hear of closed ports and packets that are too large`,
    'upgrade all its agents; then nodes that are replaced do it themselves. At once, with an interruption: link the cluster anew (docs/how-to/troubleshoot-cluster-link.md)',
  )
}

function serviceNames({ cluster }: ClusterView): Verdict {
  const services = insideOf(cluster)?.services
  if (services === undefined) return notAsked
  const { areKnown, imported, corefile } = services
  if (!areKnown) {
    return warning(
      'it does not know ServiceExport and ServiceImport, so its Services are in no other cluster and none of others in it',
      isRootCluster(cluster.cluster)
        ? 'kosmosctl install brings them'
        : `kosmosctl join ${cluster.name} --kubeconfig FILE --link brings them`,
    )
  }
  if (imported === undefined) {
    return warning(
      'the credentials in the root may not read ServiceImports, so its Services are in no other cluster and none of others in it',
      `kosmosctl join ${cluster.name} --kubeconfig FILE --link grants that`,
    )
  }
  if (imported === 0) return ok('no Service is shared with it')
  if (corefile === undefined) {
    return skipped('the configuration of its CoreDNS was not read, so whether it answers clusterset.local is not known')
  }
  if (answersClusterSet(corefile)) return ok(`the names of ${imported} shared Services are answered`)
  return warning(
    `Services are shared with it (${imported}), and its CoreDNS does not answer their names in clusterset.local`,
    `kosmosctl link dns --kubeconfig FILE, that of ${cluster.name}`,
  )
}
