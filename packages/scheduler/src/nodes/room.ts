import { freeShapesAnnotation } from '@kosmos/api'
import { type Node, parseResources, type ResourceList, subtractResources } from '@kosmos/kube'

/** Machines that have the same room left. */
export interface Bin {
  readonly machines: number
  readonly free: ResourceList
}

/**
 * What a node has room for, machine by machine: for a virtual node its leaf nodes, as it publishes them; for any other node
 * itself, with what its pods have not taken. Undefined: nothing is known, and the stock scheduler decides alone. Pure.
 * @param taken what pods of the root have taken of a node that is one machine
 */
export function binsOf(node: Node, taken: ResourceList): Bin[] | undefined {
  const shapes = node.metadata.annotations?.[freeShapesAnnotation]
  if (shapes !== undefined) return binsOfShapes(shapes)
  const { allocatable } = node.status ?? {}
  return allocatable && [{ machines: 1, free: subtractResources(parseResources(allocatable), taken) }]
}

/** What somebody wrote into the annotation by hand may be anything. */
function binsOfShapes(text: string): Bin[] | undefined {
  try {
    const shapes = JSON.parse(text) as { nodes: number; free: Record<string, string> }[]
    return shapes.map(({ nodes, free }) => ({ machines: nodes, free: parseResources(free) }))
  } catch {
    return undefined
  }
}

/** Whether one machine has all of it. */
export function hasRoom(free: ResourceList, requests: ResourceList): boolean {
  for (const [name, quantity] of requests) {
    if (quantity.sign > 0 && (free.get(name)?.compare(quantity) ?? -1) < 0) return false
  }
  return true
}

/**
 * The bins with the pod in the machine that it fills best, so that room for large pods is kept together; undefined when no
 * machine has room for it. Pure.
 */
export function packed(bins: readonly Bin[], requests: ResourceList): Bin[] | undefined {
  let best: { readonly bin: Bin; readonly left: number } | undefined
  for (const bin of bins) {
    if (bin.machines < 1 || !hasRoom(bin.free, requests)) continue
    const left = leftover(bin.free, requests)
    if (best === undefined || left < best.left) best = { bin, left }
  }
  if (best === undefined) return undefined
  const { bin } = best
  const rest = bins.map((one) => (one === bin ? { ...bin, machines: bin.machines - 1 } : one))
  return [...rest.filter(({ machines }) => machines > 0), { machines: 1, free: subtractResources(bin.free, requests) }]
}

/** The part of a machine's free cpu and memory that stays free beside the pod: from 0, all is used, to 2. */
function leftover(free: ResourceList, requests: ResourceList): number {
  return ['cpu', 'memory'].reduce((sum, name) => {
    const all = free.get(name)?.toNumber() ?? 0
    return all > 0 ? sum + 1 - (requests.get(name)?.toNumber() ?? 0) / all : sum
  }, 0)
}
