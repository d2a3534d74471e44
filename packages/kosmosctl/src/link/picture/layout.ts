/** What is to be placed: clusters with their nodes. */
export interface Sketched {
  readonly name: string
  readonly nodes: readonly string[]
}

export interface Point {
  readonly x: number
  readonly y: number
}

/** Where a rectangle is, by its upper left corner. */
export interface Box extends Point {
  readonly width: number
  readonly height: number
}

export interface PlacedCluster {
  readonly name: string
  readonly box: Box
  readonly nodes: ReadonlyMap<string, Box>
}

export interface Layout {
  readonly width: number
  readonly height: number
  readonly clusters: readonly PlacedCluster[]
}

const cell = { width: 132, height: 26, gap: 8 } as const
const padding = 12
/** Of the name of a cluster, above its nodes. */
const heading = 44
const between = 180
/** Up to so many nodes stand in one column. */
const column = 6

/** Places clusters on a circle, two side by side; the same for the same input. No two overlap. Pure. */
export function layOut(clusters: readonly Sketched[]): Layout {
  const sizes = clusters.map(({ nodes }) => sizeOf(nodes.length))
  const centres = centresOf(sizes)
  const corners = centres.map(({ x, y }, index): Point => {
    const { width, height } = sizes[index] ?? sizeOf(0)
    return { x: x - width / 2, y: y - height / 2 }
  })
  const origin = { x: Math.min(0, ...corners.map(({ x }) => x)), y: Math.min(0, ...corners.map(({ y }) => y)) }
  const placed = clusters.map(({ name, nodes }, index): PlacedCluster => {
    const { width, height, columns } = sizes[index] ?? sizeOf(0)
    const { x = 0, y = 0 } = corners[index] ?? {}
    const box = { x: x - origin.x, y: y - origin.y, width, height }
    return { name, box, nodes: new Map(nodes.map((node, at) => [node, cellOf(box, at, columns)])) }
  })
  return {
    width: Math.max(0, ...placed.map(({ box }) => box.x + box.width)),
    height: Math.max(0, ...placed.map(({ box }) => box.y + box.height)),
    clusters: placed,
  }
}

export const centreOf = ({ x, y, width, height }: Box): Point => ({ x: x + width / 2, y: y + height / 2 })

interface Size {
  readonly width: number
  readonly height: number
  readonly columns: number
}

function sizeOf(nodes: number): Size {
  const columns = nodes <= column ? 1 : Math.ceil(Math.sqrt(nodes / 2.5))
  const rows = Math.ceil(nodes / columns)
  return {
    columns,
    width: 2 * padding + columns * (cell.width + cell.gap) - cell.gap,
    height: heading + padding + rows * (cell.height + cell.gap) - (rows > 0 ? cell.gap : 0),
  }
}

function cellOf({ x, y }: Box, at: number, columns: number): Box {
  const [row, col] = [Math.floor(at / columns), at % columns]
  return {
    x: x + padding + col * (cell.width + cell.gap),
    y: y + heading + row * (cell.height + cell.gap),
    width: cell.width,
    height: cell.height,
  }
}

function centresOf(sizes: readonly Size[]): Point[] {
  const [first, second] = sizes
  if (sizes.length === 2 && first && second) {
    return [
      { x: 0, y: 0 },
      { x: (first.width + second.width) / 2 + 1.5 * between, y: 0 },
    ]
  }
  // Centres that are a diagonal apart do not let boxes touch.
  const diagonal = Math.max(0, ...sizes.map(({ width, height }) => Math.hypot(width, height)))
  const radius = sizes.length < 2 ? 0 : (diagonal + between / 3) / (2 * Math.sin(Math.PI / sizes.length))
  return sizes.map((_, index) => {
    const angle = (2 * Math.PI * index) / sizes.length - Math.PI / 2
    return { x: radius * Math.cos(angle), y: radius * Math.sin(angle) }
  })
}
