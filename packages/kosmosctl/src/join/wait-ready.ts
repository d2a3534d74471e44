import { type Cluster, clusterLabel } from '@kosmos/api'
import { type Client, Informer, type Node, nodes } from '@kosmos/kube'
import { clusters } from '../clusters/resources.ts'
import { Failure } from '../terminal/failure.ts'

/** Follows the Cluster and its virtual nodes until all of them are Ready; resolves with their names. */
export async function waitUntilReady(
  root: Client,
  name: string,
  timeoutMs: number,
  note: (text: string) => void,
): Promise<string[]> {
  const stop = new AbortController()
  const virtualNodes = new Informer({ client: root, resource: nodes, labelSelector: `${clusterLabel}=${name}` })
  const cluster = new Informer({ client: root, resource: clusters, fieldSelector: `metadata.name=${name}` })
  const followers = [virtualNodes.run(stop.signal), cluster.run(stop.signal)]
  try {
    return await new Promise((resolve, reject) => {
      const look = () => {
        const found = [...virtualNodes.store.values()]
        if (found.length > 0 && found.every(isReady)) resolve(found.map(({ metadata }) => metadata.name).sort())
        else note(stateOf(cluster.get(name), found))
      }
      const timer = setTimeout(() => {
        reject(notReady(name, timeoutMs, cluster.get(name), [...virtualNodes.store.values()]))
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

export function isReady(node: Node): boolean {
  return node.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false
}

/** In a few words, what is being waited for. Pure. */
function stateOf(cluster: Cluster | undefined, found: readonly Node[]): string {
  const wrong = cluster?.status?.conditions?.find(({ status }) => status !== 'True')
  if (wrong !== undefined) return `${wrong.type}: ${wrong.reason}`
  const waiting = found.filter((node) => !isReady(node)).map(({ metadata }) => metadata.name)
  return waiting.length > 0 ? `${waiting.join(', ')} not Ready yet` : 'no virtual node yet'
}

/** Pure. */
function notReady(name: string, timeoutMs: number, cluster: Cluster | undefined, found: readonly Node[]): Failure {
  const conditions = cluster?.status?.conditions ?? []
  const wrong = conditions.filter(({ status }) => status !== 'True')
  const waited = `Cluster "${name}" is joined, but after ${Math.round(timeoutMs / 1000)} s its virtual node is not Ready`
  if (conditions.length === 0) {
    return new Failure(`${waited}: no controller has looked at the Cluster`, {
      next: 'is the controller running in the root? kosmosctl check; then run join again, or unjoin',
    })
  }
  const why =
    wrong.length > 0 ? wrong.map(({ type, message }) => `${type}: ${message}`).join('; ') : stateOf(cluster, found)
  return new Failure(`${waited}: ${why}`, { next: `kosmosctl check ${name}` })
}
