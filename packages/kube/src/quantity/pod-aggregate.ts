import type { PodSpec } from '../objects/types.ts'
import { addResources, maxResources, parseResources, type ResourceList } from './resource-list.ts'

export type Container = PodSpec['containers'][number]
export type Amounts = Readonly<Record<string, string>>

/** Containers and sidecars add up, init containers set a minimum together with the sidecars started before them (KEP-753). Pure. */
export function aggregate(spec: PodSpec, amountsOf: (container: Container) => Amounts | undefined): ResourceList {
  let running: ResourceList = new Map()
  for (const container of spec.containers) running = addResources(running, parseResources(amountsOf(container)))
  let sidecars: ResourceList = new Map()
  let initPeak: ResourceList = new Map()
  for (const container of spec.initContainers ?? []) {
    const amounts = parseResources(amountsOf(container))
    const together = addResources(amounts, sidecars)
    if (container.restartPolicy === 'Always') {
      sidecars = together
      running = addResources(running, amounts)
    }
    initPeak = maxResources(initPeak, together)
  }
  return maxResources(running, initPeak)
}

/** Whether a pod may say it as a whole; other entries are ignored (KEP-2837). */
export const isPodLevel = (name: string): boolean =>
  name === 'cpu' || name === 'memory' || name.startsWith('hugepages-')

/** What a pod says as a whole replaces the sum. Pure. */
export function withPodLevel(amounts: ResourceList, podLevel: Amounts | undefined): ResourceList {
  if (podLevel === undefined) return amounts
  return new Map([...amounts, ...[...parseResources(podLevel)].filter(([name]) => isPodLevel(name))])
}
