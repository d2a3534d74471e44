import type { Pod, PodSpec } from '../objects/types.ts'
import { addResources, maxResources, parseResources, type ResourceList } from './resource-list.ts'

type Container = PodSpec['containers'][number]
type Requests = Readonly<Record<string, string>>

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

/** Pod-level requests exist for cpu, memory and huge pages; other entries are ignored. */
function withPodLevel(requests: ResourceList, podLevel: Requests | undefined): ResourceList {
  if (podLevel === undefined) return requests
  const result = new Map(requests)
  for (const [name, quantity] of parseResources(podLevel)) {
    if (name === 'cpu' || name === 'memory' || name.startsWith('hugepages-')) result.set(name, quantity)
  }
  return result
}

function aggregate(spec: PodSpec, requestsOf: (container: Container) => Requests | undefined): ResourceList {
  let running: ResourceList = new Map()
  for (const container of spec.containers) running = addResources(running, parseResources(requestsOf(container)))
  let sidecars: ResourceList = new Map()
  let initPeak: ResourceList = new Map()
  for (const container of spec.initContainers ?? []) {
    const requests = parseResources(requestsOf(container))
    const together = addResources(requests, sidecars)
    if (container.restartPolicy === 'Always') {
      sidecars = together
      running = addResources(running, requests)
    }
    initPeak = maxResources(initPeak, together)
  }
  return maxResources(running, initPeak)
}
