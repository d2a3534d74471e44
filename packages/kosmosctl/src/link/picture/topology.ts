import { byName } from '../by-name.ts'
import type { ClusterShape, LinkCheck, NodeShape } from '../check/check.ts'
import type { TunnelState } from '../network/tunnels.ts'
import { type Box, centreOf, type Layout, type Point } from './layout.ts'
import { type NodeLine, nodeLines } from './lines.ts'
import { type Look, lookOfState, lookOfVerdict, worst } from './look.ts'
import type { Part } from './part.ts'
import { clipped, pairWords, tunnelWords } from './words.ts'
import { element, type Xml } from './xml.ts'

/** More nodes of a cluster than this are counted. */
const DRAWN = 60

/** Those of a cluster that are drawn: gateways and those with a silent next hop before others, then by name. */
export function drawnNodes({ name, nodes }: ClusterShape, tunnels: readonly TunnelState[]): NodeShape[] {
  const bad = new Set(tunnels.filter(({ state }) => state !== 'up').flatMap(({ from, to }) => [from, to]))
  const weight = (node: NodeShape) => (node.isGateway ? 0 : bad.has(`${name}/${node.name}`) ? 1 : 2)
  const chosen = nodes.length <= DRAWN ? nodes : [...nodes].sort((a, b) => weight(a) - weight(b)).slice(0, DRAWN)
  return [...chosen].sort(byName)
}

/** Clusters with their nodes, a broad line for each pair of clusters, a narrow one for each pair of nodes. Pure. */
export function topology(check: LinkCheck, layout: Layout): Part {
  const { lines, left } = nodeLines(check.tunnels)
  const places = new Map(
    layout.clusters.flatMap(({ name, nodes }) => [...nodes].map(([node, box]) => [`${name}/${node}`, centreOf(box)])),
  )
  const note =
    left > 0 ? `${left} tunnels are not drawn one by one: the broad lines stand for them, and -o json has all` : ''
  return {
    xml: [
      ...broadLines(check, layout),
      ...layout.clusters.map(({ box }) => frame(box)),
      ...lines.flatMap((line) => narrowLine(line, places, check.now)),
      ...layout.clusters.flatMap(({ name, box, nodes }) => clusterParts(check, name, box, nodes)),
      ...(note === '' ? [] : [element('text', { x: 0, y: layout.height + 24, fill: '#59636e' }, note)]),
    ]
      .map(({ xml }) => xml)
      .join(''),
    width: layout.width,
    height: layout.height + (note === '' ? 0 : 28),
  }
}

function broadLines({ pairs }: LinkCheck, { clusters }: Layout): Xml[] {
  return clusters.flatMap((one, index) =>
    clusters.slice(index + 1).flatMap((other) => {
      const both = pairs.filter(
        ({ from, to }) => (from === one.name && to === other.name) || (from === other.name && to === one.name),
      )
      if (both.length === 0) return []
      const look = lookOfVerdict[worst(both.map(({ verdict }) => verdict))]
      const words = both.map(pairWords).join('\n')
      return [stroke(centreOf(one.box), centreOf(other.box), look, { width: 9, opacity: 0.35 }, words)]
    }),
  )
}

function narrowLine({ a, b, state, tunnels }: NodeLine, places: ReadonlyMap<string, Point>, now: number): Xml[] {
  const [from, to] = [places.get(a), places.get(b)]
  if (from === undefined || to === undefined) return []
  const words = tunnels.map((tunnel) => tunnelWords(tunnel, now)).join('\n')
  return [stroke(from, to, lookOfState[state], { width: 1.6, opacity: 0.9 }, words)]
}

function stroke(
  from: Point,
  to: Point,
  { colour, dashes }: Look,
  { width, opacity }: { readonly width: number; readonly opacity: number },
  words: string,
): Xml {
  const attributes = {
    x1: from.x,
    y1: from.y,
    x2: to.x,
    y2: to.y,
    stroke: colour,
    'stroke-width': width,
    'stroke-opacity': opacity,
    'stroke-dasharray': dashes,
  }
  return element('line', attributes, element('title', {}, words))
}

const frame = ({ x, y, width, height }: Box): Xml =>
  element('rect', { x, y, width, height, rx: 8, fill: '#f6f8fa', stroke: '#8c959f' })

function clusterParts(check: LinkCheck, name: string, box: Box, nodes: ReadonlyMap<string, Box>): Xml[] {
  const shape = check.clusters.find((one) => one.name === name)
  const all = shape?.nodes ?? []
  const rest = all.length - nodes.size
  const more = rest > 0 ? `, ${rest} not drawn` : ''
  const gateways = new Set(all.filter(({ isGateway }) => isGateway).map((node) => node.name))
  return [
    element(
      'text',
      { x: box.x + 12, y: box.y + 18, 'font-weight': 'bold' },
      element('title', {}, name),
      clipped(name, Math.floor((box.width - 24) / 7.6)),
    ),
    element(
      'text',
      { x: box.x + 12, y: box.y + 34, fill: '#59636e', 'font-size': 11 },
      `${shape?.mode ?? ''}, ${all.length} nodes${more}`,
    ),
    ...[...nodes].map(([node, place]) => nodePart(check, `${name}/${node}`, node, place, gateways.has(node))),
  ]
}

function nodePart({ tunnels }: LinkCheck, place: string, name: string, box: Box, isGateway: boolean): Xml {
  const own = tunnels.filter(({ from }) => from === place)
  const up = own.filter(({ state }) => state === 'up').length
  const down = own.filter(({ state }) => state === 'down').length
  const verdict =
    own.length === 0 ? 'unknown' : up === own.length ? 'works' : up > 0 ? 'partly' : down > 0 ? 'broken' : 'unknown'
  const { colour, dashes } = lookOfVerdict[verdict]
  const words = `${place}${isGateway ? ', gateway' : ''}: ${up} of ${own.length} next hops answer`
  const { x, y, width, height } = box
  return element(
    'g',
    {},
    element('title', {}, words),
    element('rect', {
      x,
      y,
      width,
      height,
      rx: isGateway ? 0 : 6,
      fill: '#ffffff',
      stroke: colour,
      'stroke-width': isGateway ? 3 : 1.5,
      'stroke-dasharray': dashes,
    }),
    element('text', { x: x + 7, y: y + 17 }, clipped(name, isGateway ? 10 : 12)),
    element(
      'text',
      { x: x + width - 7, y: y + 17, 'text-anchor': 'end', fill: '#59636e', 'font-size': 11 },
      `${isGateway ? 'gw ' : ''}${up}/${own.length}`,
    ),
  )
}
