import type { Condition } from '@kosmos/api'
import type { EventContent } from '@kosmos/kube'

/** More than these are counted, not named. */
const NAMED = 3

/** What is told on a ClusterNode; nothing else writes event text. */
export const linkEvents = {
  nextHopSilent: (names: readonly string[]): EventContent => ({
    type: 'Warning',
    reason: 'NextHopSilent',
    action: 'Probing',
    note: `${some(names)} ${names.length === 1 ? 'does' : 'do'} not answer through the tunnel; kosmosctl link check names the port that has to pass`,
  }),
  nextHopAnswers: (names: readonly string[]): EventContent => ({
    type: 'Normal',
    reason: 'NextHopAnswers',
    action: 'Probing',
    note: `${some(names)} ${names.length === 1 ? 'answers' : 'answer'} through the tunnel again`,
  }),
  notApplied: ({ reason, message }: Condition): EventContent => ({
    type: 'Warning',
    reason: 'NotApplied',
    action: 'Applying',
    note: `${reason}: ${message}`,
  }),
  agentSilent: ({ message }: Condition): EventContent => ({
    type: 'Warning',
    reason: 'AgentSilent',
    action: 'Probing',
    note: message,
  }),
  applied: (): EventContent => ({
    type: 'Normal',
    reason: 'Applied',
    action: 'Applying',
    note: 'the node has what its NodeConfig says',
  }),
  gatewayElected: (cluster: string): EventContent => ({
    type: 'Normal',
    reason: 'GatewayElected',
    action: 'Electing',
    note: `the node is a gateway of ${cluster} now`,
  }),
  gatewayLetGo: (cluster: string): EventContent => ({
    type: 'Normal',
    reason: 'GatewayLetGo',
    action: 'Electing',
    note: `the node is no gateway of ${cluster} any more`,
  }),
  addressUnknown: (): EventContent => ({
    type: 'Warning',
    reason: 'AddressUnknown',
    action: 'Discovering',
    note: 'nobody has said which address the node has, so there are no tunnels to it: its Node needs an InternalIP, or its agent has to find an interface (autodetectionMethod of the Cluster)',
  }),
}

function some(names: readonly string[]): string {
  const rest = names.length - NAMED
  return [names.slice(0, NAMED).join(', '), ...(rest > 0 ? [`${rest} more`] : [])].join(' and ')
}
