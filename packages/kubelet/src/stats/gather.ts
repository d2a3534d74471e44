import { ClusterUnreachable, type Connection, statusOf } from '@kosmos/kube'
import { LRUCache } from 'lru-cache'
import type { LeafNodes } from './leaf-nodes.ts'
import { isTold } from './told.ts'

/** Paths of a kubelet that tell of its pods. */
export type StatsPath =
  | 'stats/summary'
  | 'stats/summary?only_cpu_and_memory=true'
  | `metrics/${'resource' | 'cadvisor' | 'probes'}`

/** What the kubelets said, by the names of their nodes; those that did not answer well are counted. */
export interface Gathered {
  /** Rises from one look at the nodes to the next. */
  readonly round: number
  readonly bodies: ReadonlyMap<string, unknown>
  readonly failed: number
}

/** That nothing can be said now; `message` is for whoever asked. */
export class StatsUnavailable extends Error {}

/** Scrapers come every 15 s or more, and often two or three of them. */
const FRESH_MS = 10_000
/** A node that is slow must not be what all wait for. */
const NODE_TIMEOUT_MS = 8_000
const CONCURRENT_REQUESTS = 16

/** Asks the kubelets of leaf nodes, by way of the leaf's API server; remembers each answer for one scrape interval. */
export function createGather(freshMs = FRESH_MS, nodeTimeoutMs = NODE_TIMEOUT_MS) {
  const answers = new LRUCache<string, Promise<Gathered>>({
    max: 1_000,
    ttl: freshMs,
    // Answers are megabytes: they do not wait for the next scrape to be forgotten.
    ttlAutopurge: true,
  })
  let rounds = 0
  return async (virtualNode: string, nodes: LeafNodes, path: StatsPath): Promise<Gathered> => {
    const key = `${virtualNode} ${path}`
    const known = answers.get(key)
    if (known) return await known
    const asked = askAll(nodes, path, ++rounds, nodeTimeoutMs)
    answers.set(key, asked)
    // What failed is asked for again by the next.
    asked.catch(() => answers.delete(key))
    return await asked
  }
}

export type Gather = ReturnType<typeof createGather>

async function askAll(
  { connection, names }: LeafNodes,
  path: StatsPath,
  round: number,
  timeoutMs: number,
): Promise<Gathered> {
  const bodies = new Map<string, unknown>()
  let failed = 0
  const left = [...names()]
  const lane = async () => {
    for (let name = left.pop(); name !== undefined; name = left.pop()) {
      const answer = await ask(connection, name, path, timeoutMs)
      if (answer === undefined) failed++
      else bodies.set(name, answer)
    }
  }
  await Promise.all(Array.from({ length: CONCURRENT_REQUESTS }, lane))
  if (bodies.size === 0 && failed > 0) throw new StatsUnavailable(`no node of cluster ${connection.name} answers`)
  return { round, bodies, failed }
}

/** Undefined if this node has no answer; throws when none of them will have one. */
async function ask(connection: Connection, node: string, path: StatsPath, timeoutMs: number): Promise<unknown> {
  try {
    const { code, body } = await connection.request({
      method: 'GET',
      path: `/api/v1/nodes/${encodeURIComponent(node)}/proxy/${path}`,
      accept: '*/*',
      timeoutMs,
      forwarded: true,
    })
    if (code === 200) return isTold(path, body) ? body : undefined
    if (code !== 401 && code !== 403) return undefined
    const { message = `HTTP ${code}` } = statusOf(code, body)
    throw new StatsUnavailable(`cluster ${connection.name} does not let its nodes be asked: ${message}`)
  } catch (error) {
    if (!(error instanceof ClusterUnreachable)) throw error
    if (connection.breaker.retryInMs() === 0) return undefined
    throw new StatsUnavailable(error.message)
  }
}
