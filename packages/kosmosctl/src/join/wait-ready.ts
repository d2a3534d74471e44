import { type Cluster, clusterLabel } from '@kosmos/api'
import { type Client, Informer, type Node, nodes } from '@kosmos/kube'
import { clusters } from '../clusters/resources.ts'
import { Failure } from '../terminal/failure.ts'

export interface Expected {
  readonly cluster: string
  /** Names of its virtual nodes. */
  readonly virtualNodes: readonly string[]
}

/** Follows the Cluster and its virtual nodes until all that are expected are Ready; resolves with their names. */
export async function waitUntilReady(
  root: Client,
  expected: Expected,
  timeoutMs: number,
  note: (text: string) => void,
): Promise<string[]> {
  const { cluster: name } = expected
  const stop = new AbortController()
  const virtualNodes = new Informer({ client: root, resource: nodes, labelSelector: `${clusterLabel}=${name}` })
  const cluster = new Informer({ client: root, resource: clusters, fieldSelector: `metadata.name=${name}` })
  const followers = [virtualNodes.run(stop.signal), cluster.run(stop.signal)]
  const waitingFor = () => expected.virtualNodes.filter((name) => !isReady(virtualNodes.get(name)))
  try {
    return await new Promise((resolve, reject) => {
      const look = () => {
        const waiting = waitingFor()
        if (waiting.length === 0) resolve([...expected.virtualNodes].sort())
        else note(stateOf(cluster.get(name), waiting))
      }
      const timer = setTimeout(() => {
        reject(notReady(expected, timeoutMs, cluster.get(name), waitingFor()))
      }, timeoutMs)
      stop.signal.addEventListener('abort', () => clearTimeout(timer))
      virtualNodes.subscribe(look)
      cluster.subscribe(look)
    })
  } finally {
    stop.abort()
    await Promise.all(followers)
  }
}

export function isReady(node: Node | undefined): boolean {
  return node?.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false
}

/** In a few words, what is being waited for. Pure. */
function stateOf(cluster: Cluster | undefined, [first, ...others]: readonly string[]): string {
  const wrong = cluster?.status?.conditions?.find(({ status }) => status !== 'True')
  if (wrong !== undefined) return `${wrong.type}: ${wrong.reason}`
  return `${first}${others.length > 0 ? ` and ${others.length} more` : ''} not Ready yet`
}

/** Pure. */
function notReady(
  { cluster: name, virtualNodes }: Expected,
  timeoutMs: number,
  cluster: Cluster | undefined,
  waiting: readonly string[],
): Failure {
  const conditions = cluster?.status?.conditions ?? []
  const wrong = conditions.filter(({ status }) => status !== 'True')
  const which =
    virtualNodes.length === 1
      ? 'its virtual node is not Ready'
      : `${waiting.length} of its ${virtualNodes.length} virtual nodes are not Ready`
  const waited = `Cluster "${name}" is joined, but after ${Math.round(timeoutMs / 1000)} s ${which}`
  if (conditions.length === 0) {
    return new Failure(`${waited}: no controller has looked at the Cluster`, {
      next: 'is the controller running in the root? kosmosctl check; then run join again, or unjoin',
    })
  }
  const why =
    wrong.length > 0 ? wrong.map(({ type, message }) => `${type}: ${message}`).join('; ') : stateOf(cluster, waiting)
  return new Failure(`${waited}: ${why}`, { next: `kosmosctl check ${name}` })
}
