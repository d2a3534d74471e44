import { parseQuantity, type Quantity, type ResourceList } from '@kosmos/kube'

/** Amounts by resource, as Kubernetes writes them. */
export type Amounts = Readonly<Record<string, string>>

/** Leaf nodes that have about the same room left. */
export interface FreeShape {
  readonly nodes: number
  /** What each of them has at least; a resource that is not in it, none has. */
  readonly free: Amounts
}

/** What is left in the leaf nodes of a virtual node: whether a pod fits depends on one of them, not on their sum. */
export interface FreeRoom {
  /** The roomiest first. */
  readonly shapes: readonly FreeShape[]
  /** The largest pod that one leaf node has room for; none when all are full. */
  readonly largest: Amounts | undefined
}

/** So many shapes are some kilobytes on the Node. */
export const MAX_SHAPES = 24

/**
 * Gathers nodes of about the same free room. Amounts are rounded down, by an eighth at most where that leaves few enough
 * shapes, to a power of two at worst; what still is too much becomes one shape of what all of the rest have. So a shape
 * never promises room that is not there, and a small change is no change. Pure.
 */
export function freeRoom(nodes: Iterable<ResourceList>): FreeRoom {
  const free = [...nodes].filter((list) => list.get('pods')?.isZero !== true && list.size > 0)
  let shapes: FreeShape[] = []
  for (let digits = 3; digits >= 0; digits--) {
    shapes = gathered(free.map((list) => roundedDown(list, digits)))
    if (shapes.length <= MAX_SHAPES) break
  }
  const sorted = byRoom(shapes)
  const kept = sorted.slice(0, MAX_SHAPES - 1)
  const [first, ...rest] = sorted.slice(MAX_SHAPES - 1)
  return {
    shapes: first ? [...kept, rest.reduce(together, first)] : kept,
    largest: sorted[0] && largestPod(sorted[0].free),
  }
}

function gathered(all: readonly Amounts[]): FreeShape[] {
  const shapes = new Map<string, FreeShape>()
  for (const free of all) {
    const key = JSON.stringify(free)
    shapes.set(key, { nodes: (shapes.get(key)?.nodes ?? 0) + 1, free })
  }
  return [...shapes.values()]
}

function roundedDown(list: ResourceList, digits: number): Amounts {
  const entries = [...list]
    .filter(([, quantity]) => quantity.sign > 0)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, quantity]) => [name, roundDown(quantity, digits)] as const)
  return Object.fromEntries(entries.filter(([, text]) => text !== '0'))
}

/** From here on fractions do not matter. */
const WHOLE_FROM = 16_000n

/** Keeps so many binary digits after the first; whole numbers below 16 stay what they are, for they may be devices. */
function roundDown(quantity: Quantity, digits: number): string {
  const milli = quantity.milliValue()
  if (milli % 1000n === 0n && milli < WHOLE_FROM) return `${milli / 1000n}`
  if (milli < WHOLE_FROM) return parseQuantity(`${truncated(milli, digits)}m`).toString()
  const whole = truncated(milli / 1000n, digits)
  return whole % MEBI === 0n ? parseQuantity(`${whole / MEBI}Mi`).toString() : `${whole}`
}

const MEBI = 2n ** 20n

function truncated(value: bigint, digits: number): bigint {
  const dropped = BigInt(Math.max(0, value.toString(2).length - 1 - digits))
  return (value >> dropped) << dropped
}

/** By the scarcest of what they have, against the most that any has. */
function byRoom(shapes: readonly FreeShape[]): FreeShape[] {
  const most = new Map<string, number>()
  const amount = (free: Amounts, name: string) => parseQuantity(free[name] ?? '0').toNumber()
  for (const { free } of shapes) {
    for (const name of Object.keys(free)) most.set(name, Math.max(most.get(name) ?? 0, amount(free, name)))
  }
  const scarce = ['cpu', 'memory'].filter((name) => most.has(name))
  // In one order whatever came first: a sum of fractions is another one in another order, and equal ones decide by their text.
  const all = [...most.keys()].sort()
  const shares = (free: Amounts, names: readonly string[]) =>
    names.map((name) => amount(free, name) / (most.get(name) ?? 1))
  const ranked = shapes.map((shape) => ({
    shape,
    least: Math.min(1, ...shares(shape.free, scarce)),
    sum: shares(shape.free, all).reduce((total, share) => total + share, 0),
    text: JSON.stringify(shape.free),
  }))
  ranked.sort((a, b) => b.least - a.least || b.sum - a.sum || (a.text < b.text ? -1 : 1))
  return ranked.map(({ shape }) => shape)
}

/** What both have, at least. */
function together(a: FreeShape, b: FreeShape): FreeShape {
  const free = Object.entries(a.free).flatMap(([name, amount]) => {
    const other = b.free[name]
    if (other === undefined) return []
    return [[name, parseQuantity(other).compare(parseQuantity(amount)) < 0 ? other : amount] as const]
  })
  return { nodes: a.nodes + b.nodes, free: Object.fromEntries(free) }
}

/** How many pods a node may have is no size of one. */
function largestPod({ pods: _, ...amounts }: Amounts): Amounts {
  return amounts
}
