import { setTimeout as sleep } from 'node:timers/promises'
import { apiVersion, type NodeConfig, type NodeConfigStatus } from '@kosmos/api'
import { type Client, Controller, Informer, type KubeObject, keyOf, type Requeue, resource, unwrap } from '@kosmos/kube'
import { wordEveryMs } from '../../model/agent-word.ts'
import { readKeptSpec } from '../kept-spec.ts'
import { createNodeAgent, type NodeAgent, type NodeAgentOptions } from '../node-agent.ts'
import { statusOf } from '../status/status.ts'
import { urgencyOf } from '../status/urgency.ts'
import { isAsking, renewWord } from '../status/word.ts'

export interface NodeConfigOptions extends Omit<NodeAgentOptions, 'onReport'> {
  readonly client: Client
  /** Of the NodeConfig. */
  readonly name: string
  /** Called when the NodeConfig was read for the first time. */
  readonly onReady: () => void
  /** How often is said that the status holds; default 20 s. */
  readonly wordMs?: number
  /** Called with the agent before it works. */
  readonly onAgent?: (agent: Pick<NodeAgent, 'wanted' | 'report'>) => void
}

type StoredNodeConfig = NodeConfig & KubeObject

const nodeConfigs = resource<StoredNodeConfig>(apiVersion, 'NodeConfig', 'nodeconfigs', 'Cluster')

/** Nobody wants anything of this node. */
const unwanted = { nodeName: '' }

const restMs = 60_000
/** How long an API server may take before the node does what it did last. */
const patienceMs = 3_000

/** Does what the NodeConfig of the node says, and writes its status. */
export async function serveNodeConfig(options: NodeConfigOptions, signal: AbortSignal): Promise<void> {
  const { client, name, onReady, onReconcile, wordMs = wordEveryMs } = options
  const key = keyOf({ metadata: { name } })
  const informer = new Informer<StoredNodeConfig>({
    client,
    resource: nodeConfigs,
    fieldSelector: `metadata.name=${name}`,
    onState: (state) => {
      if (state.kind === 'broken') options.log('warn', 'node-config.unreachable', { reason: state.error.message })
    },
  })
  let written: { readonly uid: string; readonly status: NodeConfigStatus; readonly at: number } | undefined
  let saidAt = Number.NEGATIVE_INFINITY

  // Apart from the kernel's own queue: an API server that hangs must not hold up a fail-over.
  const writer = new Controller<'status'>({
    name: 'link-agent-status',
    concurrency: 1,
    backoff: { maxMs: wordMs },
    reconcile: saySo,
    ...(onReconcile && { onReconcile }),
  })
  const agent = createNodeAgent({ ...options, onReport: () => writer.enqueue('status') })

  options.onAgent?.(agent)

  async function wantKept() {
    await sleep(patienceMs, undefined, { signal }).catch(() => {})
    const kept = await readKeptSpec(options.stateDir)
    if (!informer.hasSynced && kept) agent.want(kept.spec, kept.generation)
  }

  async function saySo(): Promise<Requeue> {
    const stored = informer.get(key)
    if (!stored) return undefined
    await writeStatus(stored)
    const now = performance.now()
    if (now - saidAt >= wordMs && isAsking(agent.report(), Date.now())) {
      await renewWord(client, stored, wordMs, signal)
      saidAt = now
    }
    return { afterMs: Math.max(1_000, saidAt + wordMs - now) }
  }

  async function writeStatus(stored: StoredNodeConfig & { metadata: { name: string } }): Promise<void> {
    const { uid = '' } = stored.metadata
    const ours = written?.uid === uid ? written : undefined
    // The cache may be behind what we wrote ourselves.
    const before = ours?.status ?? stored.status
    const now = Date.now()
    const status = statusOf(agent.report(), before, now)
    const urgency = urgencyOf(before, status)
    const age = ours ? now - ours.at : Number.POSITIVE_INFINITY
    if (urgency === 'never' || (urgency === 'later' && age < restMs)) return
    // A merge keeps what it does not name.
    const gone = { underlay: null, wireGuard: null, ipsec: null }
    const keys = status.keys ? { requestedAt: null, next: null, ...status.keys } : null
    const patch = { metadata: { uid }, status: { ...gone, ...status, keys } }
    unwrap(await client.patch(nodeConfigs, { name }, patch, { type: 'merge', subresource: 'status', signal }))
    written = { uid, status, at: now }
  }

  informer.subscribe((change) => {
    const { spec, metadata } = change.object
    if (change.type === 'deleted') agent.want(unwanted, 0)
    else if (change.type === 'added' || change.old.metadata.generation !== metadata.generation)
      agent.want(spec, metadata.generation ?? 0)
  })
  void wantKept()
  void informer.synced.then(() => {
    onReady()
    if (!informer.get(key)) agent.want(unwanted, 0)
  })
  writer.waitFor(informer.synced)
  await Promise.all([informer.run(signal), agent.run(signal), writer.run(signal)])
}
