import type { LinkKeys, NodeConfigStatus } from '@kosmos/api'

type NextKeys = NonNullable<NonNullable<NodeConfigStatus['keys']>['next']>

/** A node of a cluster, as far as its keys are concerned. Times are milliseconds since 1970, by the clock of the root. */
export interface RotatingNode {
  readonly name: string
  /** Since when it is known: its first keys are not older. */
  readonly knownSince: number
  /** What it was asked for last. */
  readonly asked: LinkKeys | undefined
  /** What its agent says. */
  readonly said: NodeConfigStatus['keys']
  /** Keys from before are not wanted any more; RFC 3339. */
  readonly demandedAt: string | undefined
  /** Whether somebody is there to make keys; who is not there keeps nobody waiting. */
  readonly isThere: boolean
  /** Whether all that reach it have these keys beside the present ones. */
  readonly isKnown: (next: NextKeys) => boolean
}

export interface Rotation {
  /** What nodes are to be asked for, as far as that is something; by name. */
  readonly keys: ReadonlyMap<string, LinkKeys>
  /** Whether a node is on its way from one key to the next. */
  readonly isUnderway: boolean
  /** When the next keys are too old, in milliseconds from now. */
  readonly dueInMs?: number
}

/**
 * Which keys the nodes of a cluster are asked for: one node after the other. A node is first asked for new keys, then all
 * others are told the public halves, and when they know them it is told to use them.
 * @param maxAgeMs how old keys may become; undefined: as old as they like
 */
export function rotationOf(nodes: readonly RotatingNode[], maxAgeMs: number | undefined, now: number): Rotation {
  const keys = new Map(nodes.flatMap(({ name, asked }) => (asked ? [[name, asked] as const] : [])))
  const underway = nodes.filter((node) => node.isThere && isUnderway(node))
  for (const { name, asked, said, isKnown } of underway) {
    const { next } = said ?? {}
    if (asked && next && next.requestedAt === asked.requestedAt && isKnown(next)) {
      keys.set(name, { requestedAt: asked.requestedAt, use: next.wireGuard })
    }
  }
  if (underway.length > 0) return { keys, isUnderway: true }
  const first = nodes.find((node) => node.isThere && (isDemanded(node) || ageLeft(node, maxAgeMs, now) <= 0))
  if (first) {
    const requestedAt = isDemanded(first) ? (first.demandedAt ?? '') : new Date(now).toISOString()
    return { keys: keys.set(first.name, { requestedAt }), isUnderway: true }
  }
  const dueInMs = Math.min(...nodes.filter(({ isThere }) => isThere).map((node) => ageLeft(node, maxAgeMs, now)))
  return { keys, isUnderway: false, ...(Number.isFinite(dueInMs) && { dueInMs }) }
}

function isUnderway({ asked, said }: RotatingNode): boolean {
  return asked !== undefined && asked.requestedAt !== said?.requestedAt
}

function isDemanded({ demandedAt, asked }: RotatingNode): boolean {
  return demandedAt !== undefined && Date.parse(demandedAt) > Date.parse(asked?.requestedAt ?? '1970-01-01T00:00:00Z')
}

function ageLeft({ asked, knownSince }: RotatingNode, maxAgeMs = Number.POSITIVE_INFINITY, now: number): number {
  return (asked ? Date.parse(asked.requestedAt) : knownSince) + maxAgeMs - now
}
