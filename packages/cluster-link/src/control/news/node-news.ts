import type { ClusterNodeSpec, Condition } from '@kosmos/api'
import type { EventContent } from '@kosmos/kube'
import { linkEvents } from './events.ts'

/** What is worth telling of a ClusterNode that is not as it was; `before` undefined: it is new. Pure. */
export function specNews(before: ClusterNodeSpec | undefined, after: ClusterNodeSpec): EventContent[] {
  const { clusterName } = after
  const [wasGateway, isGateway] = [before, after].map((spec) => spec?.roles?.includes('gateway') === true)
  const hadAddress = before === undefined || hasAddress(before)
  return [
    ...(isGateway && !wasGateway ? [linkEvents.gatewayElected(clusterName)] : []),
    ...(wasGateway && !isGateway ? [linkEvents.gatewayLetGo(clusterName)] : []),
    ...(hadAddress && !hasAddress(after) ? [linkEvents.addressUnknown()] : []),
  ]
}

const hasAddress = ({ ip, ip6 }: ClusterNodeSpec): boolean => ip !== undefined || ip6 !== undefined

/** What is worth telling when the agent's conditions go from these to those. Pure. */
export function conditionNews(before: readonly Condition[], after: readonly Condition[]): EventContent[] {
  const [was, is] = [before, after].map((some) => some.find(({ type }) => type === 'Applied'))
  if (is === undefined || (was?.status === is.status && was.reason === is.reason)) return []
  if (is.status === 'True') return [linkEvents.applied()]
  if (is.reason === 'AgentSilent') return [linkEvents.agentSilent(is)]
  return is.status === 'False' ? [linkEvents.notApplied(is)] : []
}
