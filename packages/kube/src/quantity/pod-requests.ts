import type { Pod } from '../objects/types.ts'
import { aggregate, type Container, withPodLevel } from './pod-aggregate.ts'
import { addResources, maxResources, parseResources, type ResourceList } from './resource-list.ts'

/**
 * What a pod takes of its node, as kube-scheduler counts it: PodRequests with UseStatusResources of upstream
 * k8s.io/component-helpers/resource. Containers and sidecars add up, init containers set a minimum together with the sidecars
 * started before them (KEP-753), pod-level requests replace the sum (KEP-2837), overhead comes on top, and while a resize is
 * under way the largest of asked for, allocated and actual counts (KEP-1287).
 *
 * @throws QuantityError for an amount that no API server accepts
 */
export function podRequests({ spec, status }: Pick<Pod, 'spec' | 'status'>): ResourceList {
  const asked = aggregate(spec, (container) => container.resources?.requests)
  let requests = asked
  const statuses = [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])]
  if (statuses.some(({ resources, allocatedResources }) => resources?.requests ?? allocatedResources)) {
    const resize = status?.conditions?.find(({ type }) => type === 'PodResizePending')
    const isInfeasible = resize?.reason === 'Infeasible'
    const fallback = (container: Container) => (isInfeasible ? undefined : container.resources?.requests)
    const statusOf = ({ name }: Container) => statuses.find((status) => status.name === name)
    const allocated = aggregate(spec, (container) => statusOf(container)?.allocatedResources ?? fallback(container))
    const actual = aggregate(spec, (container) => {
      const status = statusOf(container)
      return status?.resources?.requests ?? status?.allocatedResources ?? fallback(container)
    })
    const held = maxResources(allocated, actual)
    requests = isInfeasible ? held : maxResources(asked, held)
  }
  return addResources(withPodLevel(requests, spec.resources?.requests), parseResources(spec.overhead))
}
