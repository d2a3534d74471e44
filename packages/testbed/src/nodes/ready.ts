import { setTimeout as sleep } from 'node:timers/promises'
import { type Client, type Node, nodes } from '@kosmos/kube'

function isReady(node: Node): boolean {
  return node.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True') ?? false
}

/** Resolves when all named nodes are Ready. @throws naming those that are not after the time-out */
export async function allReady(
  client: Client,
  names: readonly string[],
  { labelSelector, timeoutMs = 60_000 }: { labelSelector?: string; timeoutMs?: number } = {},
): Promise<void> {
  const deadline = Date.now() + timeoutMs
  for (;;) {
    const found = await client.listAll(nodes, { labelSelector })
    const ready = new Set(found.filter(isReady).map((n) => n.metadata.name))
    const waiting = names.filter((name) => !ready.has(name))
    if (waiting.length === 0) return
    if (Date.now() > deadline)
      throw new Error(`${client.name}: nodes ${waiting.join(', ')} are not Ready after ${timeoutMs / 1000} s`)
    await sleep(100)
  }
}
