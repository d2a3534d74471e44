import { lookOfState, lookOfVerdict } from './look.ts'
import type { Part } from './part.ts'
import { element, type Xml } from './xml.ts'

const step = 112
const row = 22

/** What lines and frames mean. */
export function legend(): Part {
  const entry = (
    words: string,
    look: { colour: string; dashes?: string },
    width: number,
    x: number,
    y: number,
  ): Xml[] => [
    element('line', {
      x1: x,
      y1: y + 8,
      x2: x + 34,
      y2: y + 8,
      stroke: look.colour,
      'stroke-width': width,
      'stroke-dasharray': look.dashes,
      'stroke-opacity': width > 2 ? 0.35 : 0.9,
    }),
    element('text', { x: x + 40, y: y + 12 }, words),
  ]
  const label = (text: string, y: number) => element('text', { x: 0, y: y + 12, fill: '#59636e' }, text)
  const first = 120
  const parts = [
    label('between clusters', 0),
    ...Object.entries(lookOfVerdict).flatMap(([verdict, look], index) =>
      entry(verdict, look, 9, first + index * step, 0),
    ),
    label('between nodes', row),
    ...Object.entries(lookOfState).flatMap(([state, look], index) =>
      entry(state, look, 1.6, first + index * step, row),
    ),
    label('a node: how many of its next hops answer; square and thick with gw: a gateway', 2 * row),
  ]
  return {
    xml: parts.map(({ xml }) => xml).join(''),
    width: first + Object.keys(lookOfVerdict).length * step,
    height: 3 * row,
  }
}
