import { type Client, Informer, type Node, nodes } from '@kosmos/kube'

/** Names that a message shows. */
const SHOWN = 5

function isReady(node: Node): boolean {
  return node.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True') ?? false
}

/** Resolves when all named nodes are Ready. @throws naming some of those that are not after the time-out */
export async function allReady(
  client: Client,
  names: readonly string[],
  { labelSelector, timeoutMs = 60_000 }: { labelSelector?: string; timeoutMs?: number } = {},
): Promise<void> {
  const named = new Set(names)
  const waiting = new Set(names)
  if (waiting.size === 0) return
  const stop = new AbortController()
  const informer = new Informer({ client, resource: nodes, labelSelector })
  informer.subscribe(({ type, object }) => {
    const { name } = object.metadata
    if (!named.has(name)) return
    if (type === 'deleted' || !isReady(object)) waiting.add(name)
    else if (waiting.delete(name) && waiting.size === 0) stop.abort()
  })
  await informer.run(AbortSignal.any([stop.signal, AbortSignal.timeout(timeoutMs)]))
  if (waiting.size > 0) throw new Error(`${client.name}: ${shown([...waiting])} not Ready after ${timeoutMs / 1000} s`)
}

function shown(names: readonly string[]): string {
  const more = names.length > SHOWN ? ` and ${names.length - SHOWN} more` : ''
  return `nodes ${names.slice(0, SHOWN).join(', ')}${more}`
}
