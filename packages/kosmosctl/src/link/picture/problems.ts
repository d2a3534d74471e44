import type { Finding } from '../../findings/finding.ts'
import type { Part } from './part.ts'
import { clipped } from './words.ts'
import { element } from './xml.ts'

/** More problems than this are counted. */
const LISTED = 20
const line = 18
const letter = 6.6

/** What is wrong, in words; what is longer than the picture is wide is in the titles. Pure. */
export function problems(found: readonly Finding[], width: number): Part {
  const listed = found.slice(0, LISTED).map(({ id, cluster, verdict }) => {
    const where = cluster === undefined ? id : `${cluster}/${id}`
    const fix = 'fix' in verdict ? `; ${verdict.fix}` : ''
    return `problem ${where}: ${verdict.what}${fix}`
  })
  const rest = found.length - listed.length
  const lines = [...listed, ...(rest > 0 ? [`${rest} more: kosmosctl link check`] : [])]
  const texts = lines.map((text, index) =>
    element(
      'text',
      { x: 0, y: index * line + 13 },
      element('title', {}, text),
      clipped(text, Math.floor(width / letter)),
    ),
  )
  return { xml: texts.map(({ xml }) => xml).join(''), width, height: lines.length * line }
}
