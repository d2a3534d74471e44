import type { TunnelState } from '../network/tunnels.ts'
import type { HopState } from '../network/view.ts'

/** The tunnels between two nodes, both ways and in all families. */
export interface NodeLine {
  readonly a: string
  readonly b: string
  readonly state: HopState
  readonly tunnels: readonly TunnelState[]
}

/** More lines than this hide each other. */
const DRAWN = 240

/**
 * The lines to draw between nodes: all of them, or, where that would be too many, those that are not up; of these the worst
 * first. Pure.
 */
export function nodeLines(tunnels: readonly TunnelState[]): {
  readonly lines: readonly NodeLine[]
  readonly left: number
} {
  const between = Map.groupBy(tunnels, ({ from, to }) => JSON.stringify([from, to].sort()))
  const all = [...between].map(([key, some]): NodeLine => {
    const [a = '', b = ''] = JSON.parse(key) as string[]
    return { a, b, state: worstOf(some), tunnels: some }
  })
  const wanted = all.length <= DRAWN ? all : all.filter(({ state }) => state !== 'up')
  const lines = wanted.sort((one, other) => order(one) - order(other) || compare(one, other)).slice(0, DRAWN)
  return { lines, left: all.length - lines.length }
}

const states = ['down', 'unknown', 'up'] as const

const worstOf = (tunnels: readonly TunnelState[]): HopState =>
  states.find((state) => tunnels.some((tunnel) => tunnel.state === state)) ?? 'unknown'
const order = ({ state }: NodeLine): number => states.indexOf(state)
const compare = (one: NodeLine, other: NodeLine): number =>
  one.a === other.a ? (one.b < other.b ? -1 : 1) : one.a < other.a ? -1 : 1
