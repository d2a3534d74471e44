import { timestamp } from '@kosmos/kube'
import { isProblem } from '../../findings/finding.ts'
import { counted } from '../../output/counted.ts'
import type { LinkCheck } from '../check/check.ts'
import { type Layout, layOut } from './layout.ts'
import { legend } from './legend.ts'
import { matrix } from './matrix.ts'
import { problems } from './problems.ts'
import { drawnNodes, topology } from './topology.ts'
import { element, type Xml } from './xml.ts'

const margin = 24
const gap = 36
const head = 34
const leastWidth = 720

/**
 * The topology as an SVG: clusters with their nodes, what is between them, how each cluster reaches each other one, and what
 * is wrong. No script and nothing from elsewhere is in it; whatever has a colour says it in words as well. Pure.
 */
export function linkPicture(check: LinkCheck): string {
  const layout: Layout = layOut(
    check.clusters.map((cluster) => ({
      name: cluster.name,
      nodes: drawnNodes(cluster, check.tunnels).map(({ name }) => name),
    })),
  )
  const width = Math.max(leastWidth, layout.width)
  const parts = [topology(check, layout), legend(), matrix(check), problems(check.findings.filter(isProblem), width)]
  let y = margin + head
  const placed = parts.map(({ xml, height }) => {
    const at = y
    y += height + (height > 0 ? gap : 0)
    return element('g', { transform: `translate(${margin} ${at})` }, { xml })
  })
  const size = { width: Math.max(width, ...parts.map((part) => part.width)) + 2 * margin, height: y + margin }
  return document(size, summaryOf(check), placed)
}

function document(size: { width: number; height: number }, summary: string, parts: readonly Xml[]): string {
  const { width, height } = size
  const attributes = {
    xmlns: 'http://www.w3.org/2000/svg',
    viewBox: `0 0 ${Math.ceil(width)} ${Math.ceil(height)}`,
    width: Math.ceil(width),
    role: 'img',
    'font-family': 'sans-serif',
    'font-size': 12,
    fill: '#1f2328',
  }
  return element(
    'svg',
    attributes,
    element('title', {}, summary),
    element('rect', { width: Math.ceil(width), height: Math.ceil(height), fill: '#ffffff' }),
    element('text', { x: margin, y: margin + 12, 'font-size': 16, 'font-weight': 'bold' }, summary),
    ...parts,
  ).xml
}

/** One line: when, how large, and how many problems. */
export function summaryOf({ now, clusters, findings }: LinkCheck): string {
  const nodes = clusters.reduce((sum, cluster) => sum + cluster.nodes.length, 0)
  const found = findings.filter(isProblem).length
  const wrong = found === 0 ? 'no problem' : counted(found, 'problem')
  return `ClusterLink at ${timestamp(now)}: ${clusters.length} clusters, ${nodes} nodes, ${wrong}`
}
