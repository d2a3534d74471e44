import type { LinkCheck } from '../check/check.ts'
import { lookOfVerdict } from './look.ts'
import type { Part } from './part.ts'
import { clipped, pairWords } from './words.ts'
import { element, type Xml } from './xml.ts'

const cell = { width: 96, height: 26 } as const
/** More clusters than this are for programs. */
const DRAWN = 40

/** From which cluster which other one is reached. Pure. */
export function matrix({ clusters, pairs }: LinkCheck): Part {
  const names = clusters.map(({ name }) => name).slice(0, DRAWN)
  if (names.length < 2) return { xml: '', width: 0, height: 0 }
  const known = new Map(pairs.map((pair) => [JSON.stringify([pair.from, pair.to]), pair]))
  const head = (name: string, x: number, y: number) =>
    element('text', { x: x + 4, y: y + 17, 'font-weight': 'bold' }, element('title', {}, name), clipped(name, 11))
  const cells = names.flatMap((from, row) =>
    names.flatMap((to, column): Xml[] => {
      const pair = known.get(JSON.stringify([from, to]))
      if (pair === undefined) return []
      const [x, y] = [(column + 1) * cell.width, (row + 1) * cell.height]
      return [
        element(
          'g',
          {},
          element('title', {}, pairWords(pair)),
          element('rect', {
            x,
            y,
            width: cell.width - 2,
            height: cell.height - 2,
            fill: lookOfVerdict[pair.verdict].colour,
            'fill-opacity': 0.25,
          }),
          element('text', { x: x + 5, y: y + 16 }, `${pair.verdict} ${pair.nodesReaching}/${pair.nodes}`),
        ),
      ]
    }),
  )
  const parts = [
    element('text', { x: 4, y: 17, fill: '#59636e' }, 'from ↓ to →'),
    ...names.map((name, column) => head(name, (column + 1) * cell.width, 0)),
    ...names.map((name, row) => head(name, 0, (row + 1) * cell.height)),
    ...cells,
  ]
  return {
    xml: parts.map(({ xml }) => xml).join(''),
    width: (names.length + 1) * cell.width,
    height: (names.length + 1) * cell.height,
  }
}
