import { type ClusterNodeSpec, excludeLabel, type NodeConfigStatus, nodeLabel } from '@kosmos/api'
import type { Node } from '@kosmos/kube'

/** What ClusterLink reads of a node. */
export function slimNode({ apiVersion, kind, metadata, spec, status }: Node): Node {
  const { name, uid, resourceVersion, labels, deletionTimestamp } = metadata
  return {
    apiVersion,
    kind,
    metadata: {
      name,
      uid,
      resourceVersion,
      ...(labels && { labels }),
      ...(deletionTimestamp && { deletionTimestamp }),
    },
    spec: {
      ...(spec?.podCIDRs && { podCIDRs: spec.podCIDRs }),
      ...(spec?.podCIDR && { podCIDR: spec.podCIDR }),
      ...(spec?.unschedulable && { unschedulable: true }),
    },
    status: {
      addresses: status?.addresses?.filter(({ type }) => type === 'InternalIP'),
      conditions: status?.conditions
        ?.filter(({ type }) => type === 'Ready')
        .map(({ type, status }) => ({ type, status })),
    },
  } as Node
}

/** Whether a node gets tunnels: not a virtual one, nor one that its owner leaves out. */
export function isLinkable({ metadata: { labels } }: Node): boolean {
  return labels?.[nodeLabel] === undefined && labels?.[excludeLabel] !== 'true'
}

const isIPv6 = (address: string): boolean => address.includes(':')

/** What is known of a node: from the Node, and, where its agent has run, from the agent. */
export function nodeFacts(
  node: Node,
  agent: NodeConfigStatus | undefined,
): Pick<ClusterNodeSpec, 'podCIDRs' | 'ip' | 'ip6' | 'interfaceName' | 'mtu' | 'publicKey' | 'ipsecPublicKey'> {
  const { podCIDRs = node.spec?.podCIDR ? [node.spec.podCIDR] : [] } = node.spec ?? {}
  const addresses = (node.status?.addresses ?? []).map(({ address }) => address)
  const underlay = agent?.underlay
  const ip = underlay ? underlay.ip : addresses.find((address) => !isIPv6(address))
  const ip6 = underlay ? underlay.ip6 : addresses.find(isIPv6)
  return {
    podCIDRs: [...podCIDRs],
    ...(ip && { ip }),
    ...(ip6 && { ip6 }),
    ...(underlay && { interfaceName: underlay.interfaceName, mtu: underlay.mtu }),
    ...(agent?.wireGuard && { publicKey: agent.wireGuard.publicKey }),
    ...(agent?.ipsec && { ipsecPublicKey: agent.ipsec.publicKey }),
  }
}
