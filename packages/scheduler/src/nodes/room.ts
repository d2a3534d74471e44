import { emptyShapesAnnotation, freeShapesAnnotation } from '@kosmos/api'
import { type Node, parseResources, type ResourceList, subtractResources } from '@kosmos/kube'
import { fitOf } from './fit.ts'

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

/** What a node would have room for if no pod of the root were there; none where nobody says so. Pure. */
export function emptyBinsOf({ metadata, status }: Node): Bin[] {
  const shapes = metadata.annotations?.[emptyShapesAnnotation]
  if (shapes !== undefined) return binsOfShapes(shapes) ?? []
  const isOneMachine = metadata.annotations?.[freeShapesAnnotation] === undefined
  return isOneMachine ? [{ machines: 1, free: parseResources(status?.allocatable) }] : []
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

/** Of what is requested and scarcest on the machine that has most of it: how much is missing there, from 0 to 1. Pure. */
export function lackIn(bins: readonly Bin[], requests: ResourceList): number {
  const asked = [...requests].filter(([, quantity]) => quantity.sign > 0)
  const lacks = bins
    .filter(({ machines }) => machines > 0)
    .map(({ free }) =>
      Math.max(0, ...asked.map(([name, quantity]) => 1 - (free.get(name)?.toNumber() ?? 0) / quantity.toNumber())),
    )
  return Math.min(1, ...lacks)
}

/** How well the machine suits a pod that it fills best ({@link fitOf}); undefined when none has room for it. Pure. */
export function bestFit(bins: readonly Bin[], requests: ResourceList): number | undefined {
  const fits = bins.filter(({ machines, free }) => machines > 0 && hasRoom(free, requests))
  return fits.length > 0 ? Math.max(...fits.map(({ free }) => fitOf(free, requests))) : undefined
}
