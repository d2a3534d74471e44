import { apiVersion, type NodeConfig, nodeConfigKind } from '@kosmos/api'
import { type Client, renewHeartbeat } from '@kosmos/kube'
import { agentNamespace, wordsMissed } from '../../model/agent-word.ts'
import type { Report } from './report.ts'

/** How long a next hop may go without being judged: the answers of this node itself are the clock of that, for each fping. */
const silenceMs = 20_000

/** Whether all next hops are asked still; without that, nobody knows whether what was said of them holds. */
export function isAsking({ nextHops }: Report, now: number): boolean {
  const asked = nextHops.flatMap(({ reachability }) => reachability?.lastProbe ?? [])
  return asked.every((at) => now - at < silenceMs)
}

/** Says that the status of the NodeConfig holds: by a Lease, since a NodeConfig is large and many watch it. */
export async function renewWord(
  client: Client,
  { metadata: { name, uid = '' }, spec: { nodeName } }: NodeConfig & { metadata: { name: string } },
  everyMs: number,
  signal?: AbortSignal,
): Promise<void> {
  const heartbeat = {
    namespace: agentNamespace,
    name: nodeName,
    holder: nodeName,
    durationSeconds: Math.ceil((everyMs * wordsMissed) / 1000),
    owner: { apiVersion, kind: nodeConfigKind.kind, name, uid },
  }
  await renewHeartbeat(client, heartbeat, signal ? { signal } : {})
}
