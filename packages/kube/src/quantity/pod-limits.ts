import type { Pod } from '../objects/types.ts'
import { aggregate, withPodLevel } from './pod-aggregate.ts'
import { maxResources, parseResources, type ResourceList } from './resource-list.ts'

/**
 * The limits of a pod as quotas count them: PodLimits with UseStatusResources of upstream k8s.io/component-helpers/resource. As
 * `podRequests`, but overhead comes on top only of what is limited, and of a resize the larger of asked for and actual counts.
 *
 * @throws QuantityError for an amount that no API server accepts
 */
export function podLimits({ spec, status }: Pick<Pod, 'spec' | 'status'>): ResourceList {
  const statuses = [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])]
  const isInfeasible = status?.conditions?.some(
    ({ type, reason }) => type === 'PodResizePending' && reason === 'Infeasible',
  )
  const asked = aggregate(spec, ({ resources }) => resources?.limits)
  const actual = aggregate(spec, ({ name, resources }) => {
    const set = statuses.find((status) => status.name === name)?.resources?.limits
    return set ?? (isInfeasible ? undefined : resources?.limits)
  })
  const limits = withPodLevel(isInfeasible ? actual : maxResources(asked, actual), spec.resources?.limits)
  const overhead = parseResources(spec.overhead)
  return new Map(
    [...limits].map(([name, amount]) => {
      const more = overhead.get(name)
      return [name, more && amount.sign !== 0 ? amount.add(more) : amount]
    }),
  )
}
