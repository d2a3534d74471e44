import type { Node } from '@kosmos/kube'
import { isReady } from './capacity.ts'
import type { LeafHealth, Pressure } from './conditions.ts'

/** Whether the leaf nodes of a virtual node can run pods. One that is cordoned goes on with those it has. Pure. */
export function healthOf(members: readonly Node[]): LeafHealth {
  if (members.some(isReady)) return { kind: 'ready' }
  return { kind: 'notReady', reason: 'NoReadyLeafNode', message: whyNotReady(members) }
}

function whyNotReady([first, ...others]: readonly Node[]): string {
  if (first === undefined) return 'no node of the leaf cluster is part of this virtual node'
  if (others.length > 0) return `none of its ${others.length + 1} leaf nodes is Ready`
  const condition = first.status?.conditions?.find(({ type }) => type === 'Ready')
  return `leaf node ${first.metadata.name} is not Ready: ${condition?.reason ?? 'its kubelet has not said so'}`
}

const pressures: readonly Pressure[] = ['MemoryPressure', 'DiskPressure', 'PIDPressure']

/**
 * What the leaf nodes are short of. The root keeps new pods away from a node under pressure, so it counts only when no ready
 * leaf node is free of it. Pure.
 */
export function pressuresOf(members: readonly Node[]): ReadonlySet<Pressure> {
  const ready = members.filter(isReady)
  const isShort = (pressure: Pressure) => (node: Node) =>
    node.status?.conditions?.some(({ type, status }) => type === pressure && status === 'True') ?? false
  return new Set(pressures.filter((pressure) => ready.length > 0 && ready.every(isShort(pressure))))
}
