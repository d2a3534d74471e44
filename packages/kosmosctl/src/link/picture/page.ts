import type { Finding } from '../../findings/finding.ts'
import type { LinkCheck } from '../check/check.ts'
import { nodesTable, pairsTable, podsTable, type Rows } from '../check/tables.ts'
import { linkPicture, summaryOf } from './picture.ts'
import { element, type Xml } from './xml.ts'

const style =
  'body { font-family: sans-serif; color: #1f2328; margin: 0 auto; padding: 0 24px 24px; max-width: max-content }' +
  ' figure { margin: 0 } svg { max-width: 100%; height: auto }' +
  ' h2 { font-size: 16px; margin: 24px 0 8px } table { border-collapse: collapse; font-size: 13px }' +
  ' th, td { text-align: left; vertical-align: top; padding: 4px 12px 4px 0; border-bottom: 1px solid #d0d7de }'

/** Nothing is fetched and nothing runs, whatever names there are. */
const policy = "default-src 'none'; style-src 'unsafe-inline'"

/** One page for a browser or a ticket: the picture, and everything that the tables of the terminal say. Pure. */
export function linkPage(check: LinkCheck): string {
  const { pairs, nodePairs, pods, findings, now } = check
  const page = element(
    'html',
    { lang: 'en' },
    element(
      'head',
      {},
      element('meta', { charset: 'utf-8' }),
      element('meta', { 'http-equiv': 'Content-Security-Policy', content: policy }),
      element('title', {}, summaryOf(check)),
      element('style', {}, style),
    ),
    element(
      'body',
      {},
      element('figure', {}, { xml: linkPicture(check) }),
      ...section('Clusters', pairsTable(pairs, now)),
      ...(nodePairs ? section('Nodes', nodesTable(nodePairs)) : []),
      ...(pods ? section('Pods', podsTable(pods)) : []),
      ...section('Checks', findingsTable(findings)),
    ),
  )
  return `<!DOCTYPE html>\n${page.xml}`
}

function section(title: string, { head, rows }: Rows): Xml[] {
  const line = (cell: 'th' | 'td', texts: readonly string[]) =>
    // A cell has something in it: HTML knows no empty element that ends by itself.
    element('tr', {}, ...texts.map((text) => element(cell, {}, text || ' ')))
  const body = rows.map((row) => line('td', row))
  if (body.length === 0) return []
  return [
    element('h2', {}, title),
    element('table', {}, element('thead', {}, line('th', head)), element('tbody', {}, ...body)),
  ]
}

function findingsTable(findings: readonly Finding[]): Rows {
  return {
    head: ['check', 'cluster', 'status', 'what', 'what to do'],
    rows: findings.map(({ id, cluster = '(root)', verdict }) => [
      id,
      cluster,
      verdict.status,
      verdict.what,
      'fix' in verdict ? verdict.fix : '',
    ]),
  }
}
