import { type ConditionTable, conditionFrom, type NewCondition } from '../schema/condition.ts'

/** On a ClusterNode only: nobody is there to say it on the NodeConfig. */
const agentSilent = {
  status: 'Unknown',
  message:
    'The agent on the node is silent, so what it said last may not hold any more; see its pod in kosmos-link, and whether it reaches its API server. If it does, join the cluster again with --link to renew its rights',
} as const

/** Every condition of a NodeConfig and every reason it can have. Nothing else writes conditions. */
export const nodeConfigConditions = {
  /** Whether the kernel of the node has what the NodeConfig says. */
  Applied: {
    Applied: { status: 'True', message: 'Devices, routes and rules are as they should be' },
    ApplyFailed: {
      status: 'False',
      message: 'The kernel refused a change; what was there before is there still. The agent tries again',
    },
    PortTaken: {
      status: 'False',
      message:
        'Another program or device of the node listens on a UDP port of a tunnel; end it, or give it another port. What was there before is there still. The agent tries again',
    },
    ToolMissing: {
      status: 'False',
      message: 'A program that the agent needs is not installed on the node; use the image of the agent, or install it',
    },
    InterfaceNotFound: {
      status: 'False',
      message:
        'No interface of the node fits; correct autodetectionMethod, nicNodeNames or defaultNICName in spec.clusterLinkOptions of the Cluster',
    },
    FamilyDisabled: {
      status: 'False',
      message:
        'IPv6 is to be linked, and the node has none, so only IPv4 is; set ipFamily in spec.clusterLinkOptions of the Cluster to ipv4, or enable IPv6 on the node (net.ipv6.conf.default.disable_ipv6)',
    },
    ForwardingDisabled: {
      status: 'False',
      message:
        'The node does not forward packets; set the sysctls net.ipv4.ip_forward and net.ipv6.conf.all.forwarding to 1',
    },
    AgentSilent: agentSilent,
  },
  /** Whether the next hops answer through their tunnels. */
  NextHopsReachable: {
    AllReachable: { status: 'True', message: 'Every next hop answers through its tunnel' },
    SomeUnreachable: {
      status: 'False',
      message:
        'Next hops do not answer through their tunnels; see status.nextHops, and let the UDP ports of the devices pass between the nodes',
    },
    Probing: { status: 'Unknown', message: 'The next hops are being asked' },
    AgentSilent: agentSilent,
  },
  /** On a ClusterNode only, and only while its clock is wrong: whether it is in step with that of the root. */
  ClockRight: {
    ClockOff: {
      status: 'False',
      message:
        'The clock of the node and that of the root are not in step; set both by NTP. Tunnels have no certificates that a clock could end, but WireGuard refuses a node whose clock was set back until its old time has come',
    },
  },
} as const satisfies ConditionTable

export type NodeConfigConditionType = keyof typeof nodeConfigConditions
export type NodeConfigConditionReason<T extends NodeConfigConditionType> = keyof (typeof nodeConfigConditions)[T] &
  string

/**
 * A condition with the status and sentence of its reason.
 * @param detail what the sentence cannot know, such as the error; never a secret.
 */
export function nodeConfigCondition<T extends NodeConfigConditionType>(
  type: T,
  reason: NodeConfigConditionReason<T>,
  options: { readonly detail?: string; readonly observedGeneration?: number } = {},
): NewCondition {
  return conditionFrom(nodeConfigConditions, type, reason, options)
}
