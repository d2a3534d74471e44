import type { ResourceList } from '@kosmos/kube'

/**
 * How well a machine suits a pod that it has room for, from 100, nothing is left, to 0; from -1 to -101 where it has
 * devices that the pod does not ask for, and others may. What counts is how much cpu and memory is left, and how much of either would
 * be left without the other. Pure.
 */
export function fitOf(free: ResourceList, requests: ResourceList): number {
  const rests = ['cpu', 'memory'].flatMap((name) => {
    const all = free.get(name)?.toNumber() ?? 0
    return all > 0 ? [1 - (requests.get(name)?.toNumber() ?? 0) / all] : []
  })
  const left = rests.reduce((sum, rest) => sum + rest, 0) / Math.max(rests.length, 1)
  const stranded = Math.max(0, ...rests) - Math.min(1, ...rests)
  const fit = Math.round(100 * (1 - (left + Math.max(stranded, 0)) / 2))
  return leavesDevices(free, requests) ? fit - 101 : fit
}

/** Resources that most machines have, so that they distinguish none. */
const common = /^(cpu|memory|pods|storage|ephemeral-storage|hugepages-.*|attachable-volumes-.*)$/

function leavesDevices(free: ResourceList, requests: ResourceList): boolean {
  for (const [name, quantity] of free) {
    if (quantity.sign > 0 && !requests.has(name) && !common.test(name)) return true
  }
  return false
}
