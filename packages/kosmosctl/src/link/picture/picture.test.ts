import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { problem } from '../../findings/finding.ts'
import { judgedLink, type LinkCheck } from '../check/check.ts'
import { type Circumstances, linkedFacts, type Sketch } from '../network/facts.fixture.ts'
import { layOut } from './layout.ts'
import { linkPage } from './page.ts'
import { linkPicture } from './picture.ts'

const checked = (sketches: readonly Sketch[], circumstances?: Circumstances): LinkCheck => {
  const facts = linkedFacts(sketches, circumstances)
  return judgedLink(facts, new Set(facts.clusters.map(({ name }) => name)), false)
}
/** Clusters of which each node has a tunnel to each node of the others. */
const many = (
  clusters: number,
  nodes: number,
  isDown: (from: string, to: string) => boolean = () => false,
): LinkCheck => {
  const names = Array.from({ length: clusters }, (_, index) => `cluster-${index + 1}`)
  const shapes = names.map((name) => ({
    name,
    mode: 'p2p',
    nodes: Array.from({ length: nodes }, (_, index) => ({ name: `n${index + 1}`, isGateway: false })),
  }))
  const ways = names.flatMap((from) => names.filter((to) => to !== from).map((to) => ({ from, to })))
  const places = shapes.flatMap(({ name, nodes }) =>
    nodes.map((node) => ({ cluster: name, place: `${name}/${node.name}` })),
  )
  const tunnel = { dev: 'vx-bridge', port: 4876, nextHop: '220.0.0.1', isEncrypted: false, mtu: 1450 }
  const pair = { mode: 'p2p → p2p', tunnel: 'vxlan', families: [4], nodes, nodesReaching: nodes } as const
  return {
    now: 0,
    clusters: shapes,
    pairs: ways.map((way) => ({ ...pair, ...way, verdict: 'works' })),
    tunnels: places.flatMap(({ cluster, place: from }) =>
      places
        .filter((other) => other.cluster !== cluster)
        .map(({ place: to }) => ({ ...tunnel, from, to, state: isDown(from, to) ? 'down' : 'up' })),
    ),
    findings: [],
  }
}
const two: readonly Sketch[] = [{ name: 'berlin' }, { name: 'paris' }]
const cut = (a: string, b: string) => (from: string, to: string) => [a, b].includes(from) && [a, b].includes(to)

interface Parsed {
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
  readonly children: readonly (Parsed | string)[]
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }
const read = (text: string): string =>
  text.replace(/&(?:(amp|lt|gt|quot|apos);)?/g, (_, name?: string) => {
    assert.ok(name !== undefined, `an ampersand that is none: ${text}`)
    return entities[name] ?? ''
  })

/** Reads what is well-formed, and nothing else that XML has: no comments, declarations, CDATA or references. */
function parse(document: string): Parsed {
  // What XML 1.0 allows to be in a document.
  assert.doesNotMatch(document, /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/u)
  const token = /<(\/?)([a-z]+\d?)((?: [a-zA-Z0-9-]+="[^"<]*")*)(\/?)>|([^<]+)/y
  const root: Parsed & { children: (Parsed | string)[] } = { name: '', attributes: {}, children: [] }
  const open = [root]
  while (token.lastIndex < document.length) {
    const at = token.lastIndex
    const [, end, name = '', attributes = '', isEmpty, text] = token.exec(document) ?? []
    assert.ok(name !== '' || text !== undefined, `what is this: ${document.slice(at, at + 80)}`)
    const [current] = open
    assert.ok(current)
    if (text !== undefined) current.children.push(read(text))
    else if (end === '/') {
      assert.equal(name, current.name)
      open.shift()
    } else {
      const pairs = [...attributes.matchAll(/ ([^=]+)="([^"]*)"/g)].map(([, key = '', value = '']) => [
        key,
        read(value),
      ])
      const child = { name, attributes: Object.fromEntries(pairs), children: [] }
      current.children.push(child)
      if (isEmpty !== '/') open.unshift(child)
    }
  }
  assert.equal(open.length, 1, 'everything is closed')
  const [first, ...others] = root.children
  assert.ok(first && typeof first !== 'string' && others.length === 0)
  return first
}

const all = (node: Parsed): Parsed[] => [
  node,
  ...node.children.flatMap((child) => (typeof child === 'string' ? [] : all(child))),
]
const textOf = (node: Parsed): string =>
  node.children.map((one) => (typeof one === 'string' ? one : textOf(one))).join('')
const titles = (svg: string): string[] =>
  all(parse(svg))
    .filter(({ name }) => name === 'title')
    .map(textOf)

/** Elements and attributes that draw, and can do nothing else. */
const elements = new Set(['svg', 'g', 'rect', 'line', 'text', 'title'])
const attributes = new Set(
  'xmlns viewBox width height role font-family font-size font-weight fill fill-opacity stroke stroke-width stroke-opacity stroke-dasharray x y x1 y1 x2 y2 rx transform text-anchor'.split(
    ' ',
  ),
)

describe('the picture of linked clusters', () => {
  it('says the state of each tunnel in words, and by colour', () => {
    const svg = linkPicture(checked(two, { isSilent: cut('berlin/n1', 'paris/n2') }))
    const lines = all(parse(svg)).filter(({ name, children }) => name === 'line' && children.length > 0)
    const narrow = lines.filter((line) => line.attributes['stroke-width'] === '1.6')
    assert.equal(narrow.length, 4)
    const bad = narrow.filter((line) => / down, since 60s/.test(textOf(line)))
    assert.deepEqual(
      bad.map((line) => line.attributes.stroke),
      ['#d55e00'],
    )
    assert.match(textOf(bad[0] as Parsed), /^berlin\/n1 → paris\/n2 by vx-bridge .*\nparis\/n2 → berlin\/n1 /)
    for (const line of narrow.filter((line) => !bad.includes(line))) assert.match(textOf(line), /up, 0\.3 ms, 0 % lost/)
  })

  it('has the nodes, the gateways, how clusters reach each other, and what is wrong', () => {
    const sketches: Sketch[] = [
      { name: 'berlin', nodes: 3, gateways: 1, options: { networkType: 'gateway' } },
      { name: 'paris' },
    ]
    const svg = linkPicture(checked(sketches, { isSilent: cut('berlin/n1', 'paris/n2') }))
    assert.ok(titles(svg).includes('berlin/n1, gateway: 3 of 4 next hops answer'))
    assert.ok(titles(svg).includes('berlin/n3: 1 of 1 next hops answer'))
    assert.ok(titles(svg).some((one) => one.startsWith('berlin → paris: partly, ')))
    assert.ok(titles(svg).some((one) => /^problem berlin\/tunnels: berlin\/n1 and paris\/n2 do not reach/.test(one)))
  })

  it('is the same for the same facts', () => {
    assert.equal(linkPicture(many(4, 5)), linkPicture(many(4, 5)))
  })

  it('stays a picture for ten clusters of twenty nodes: what is down is drawn, what is left out is said', () => {
    const svg = linkPicture(many(10, 20, cut('cluster-3/n7', 'cluster-8/n20')))
    assert.ok(svg.length < 600_000, `${svg.length}`)
    const lines = all(parse(svg)).filter(({ name, children }) => name === 'line' && children.length > 0)
    assert.equal(lines.length, 45 + 1)
    assert.match(textOf(lines.at(-1) as Parsed), /cluster-3\/n7 → cluster-8\/n20 by vx-bridge .* down/)
    assert.match(textOf(parse(svg)), /17999 tunnels are not drawn one by one/)
  })

  it('does not grow with clusters of a thousand nodes', () => {
    const nodes = Array.from({ length: 1_000 }, (_, index) => ({ name: `n${index}`, isGateway: index === 999 }))
    const clusters = ['a', 'b'].map((name) => ({ name, mode: 'gateway', nodes }))
    const svg = linkPicture({ now: 0, clusters, pairs: [], tunnels: [], findings: [] })
    assert.ok(svg.length < 100_000, `${svg.length}`)
    assert.match(svg, /1000 nodes, 940 not drawn/)
    assert.match(svg, /n999, gateway/)
  })

  it('is well-formed and harmless whatever anything is called', () => {
    const hostile = fc.oneof(
      fc.constantFrom(
        '</title><script>alert(1)</script>',
        '"><image href="http://evil.example/x.png"/>',
        "' onload='alert(1)",
        ']]><!--',
        '&lt;&#x3c;&evil;',
        '\u0000\u001b[31m\uFFFE\uD800',
      ),
      fc.string({ unit: 'binary', maxLength: 40 }),
      fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 20 }).map((units) => String.fromCharCode(...units)),
    )
    fc.assert(
      fc.property(fc.array(hostile, { minLength: 3, maxLength: 5 }), (names) => {
        const [first = '', second = '', third = ''] = names
        const clusters = [first, second].map((name) => ({
          name,
          mode: third,
          nodes: names.map((node, index) => ({ name: node, isGateway: index === 0 })),
        }))
        const way = { from: first, to: second, mode: third, verdict: 'partly' as const, nodesReaching: 1, nodes: 2 }
        const tunnel = { dev: third, port: 1, nextHop: third, isEncrypted: false, mtu: 1450, state: 'down' as const }
        const svg = linkPicture({
          now: 0,
          clusters,
          pairs: [{ ...way, tunnel: 'vxlan', families: [4] }],
          tunnels: [{ ...tunnel, from: `${first}/${third}`, to: `${second}/${third}`, since: third }],
          findings: [{ id: first, cluster: second, verdict: problem(third, first) }],
        })
        for (const { name, attributes: own } of all(parse(svg))) {
          assert.ok(elements.has(name), name)
          for (const [key, value] of Object.entries(own)) {
            assert.ok(attributes.has(key), key)
            if (key !== 'xmlns') assert.match(value, /^[-#a-z0-9. (),]*$/i)
          }
        }
      }),
      { numRuns: 40 },
    )
  })
})

describe('where clusters are in the picture', () => {
  it('is where no other is, and within it, however many there are and however large', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(60), { maxLength: 14 }), (sizes) => {
        const { width, height, clusters } = layOut(
          sizes.map((nodes, index) => ({
            name: `${index}`,
            nodes: Array.from({ length: nodes }, (_, node) => `n${node}`),
          })),
        )
        for (const [index, { box, nodes }] of clusters.entries()) {
          assert.ok(box.x >= 0 && box.y >= 0 && box.x + box.width <= width + 1 && box.y + box.height <= height + 1)
          for (const cell of nodes.values()) {
            assert.ok(cell.x >= box.x && cell.x + cell.width <= box.x + box.width)
            assert.ok(cell.y >= box.y && cell.y + cell.height <= box.y + box.height)
          }
          for (const { box: other } of clusters.slice(index + 1)) {
            const isApart =
              box.x + box.width <= other.x ||
              other.x + other.width <= box.x ||
              box.y + box.height <= other.y ||
              other.y + other.height <= box.y
            assert.ok(isApart, `${JSON.stringify(box)} and ${JSON.stringify(other)}`)
          }
        }
      }),
    )
  })
})

describe('the page of linked clusters', () => {
  const doctype = '<!DOCTYPE html>\n'
  const read = (html: string) => {
    assert.ok(html.startsWith(doctype))
    return all(parse(html.slice(doctype.length)))
  }
  const rowsOf = (html: string) =>
    read(html)
      .filter(({ name }) => name === 'tr')
      .map(({ children }) => children.map((cell) => textOf(cell as Parsed).trim()))

  it('has the picture, how clusters reach each other, and each check with what to do', () => {
    const check = checked(two, { isSilent: cut('berlin/n1', 'paris/n2') })
    const html = linkPage(check)
    assert.ok(html.includes(linkPicture(check)))
    const rows = rowsOf(html)
    assert.ok(rows.some(([from, to, , , , state]) => `${from} ${to} ${state}` === 'berlin paris partly'))
    const problem = rows.find(([id, , status]) => id === 'tunnels' && status === 'problem')
    assert.match(problem?.[3] ?? '', /^berlin\/n1 and paris\/n2 do not reach each other/)
    assert.match(problem?.[4] ?? '', /4876/)
  })

  it('is text where somebody has put markup into a name or an error, and fetches nothing', () => {
    const evil = '</td><script src="https://example.org/x.js">&amp;</script>'
    const check = checked(two)
    const findings = [...check.findings, { id: 'x', cluster: evil, verdict: problem(evil, evil) }]
    const pods = [
      { from: evil, to: evil, way: 'pod' as never, family: 4 as const, address: evil, works: false, why: evil },
    ]
    const html = linkPage({ ...check, findings, pods })
    assert.ok(rowsOf(html).some((row) => row.filter((cell) => cell === evil).length === 3))
    const found = read(html)
    const known = new Set([
      ...elements,
      'html',
      'head',
      'meta',
      'style',
      'body',
      'figure',
      'h2',
      'table',
      'thead',
      'tbody',
      'tr',
      'th',
      'td',
    ])
    assert.deepEqual(
      [...new Set(found.map(({ name }) => name))].filter((name) => !known.has(name)),
      [],
    )
    for (const { attributes: some } of found)
      for (const key of Object.keys(some)) assert.ok(!/^(on|href|src)/.test(key), key)
  })
})
