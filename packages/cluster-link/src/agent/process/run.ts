import { Client, Connection, createTransport, loadKubeConfig, type ReconcileObservation } from '@kosmos/kube'
import { createProcessMetrics, type Log, serveHttp } from '@kosmos/kube/process'
import { readFigures } from '../metrics/read.ts'
import { registerLinkMetrics } from '../metrics/register.ts'
import type { NodeAgent } from '../node-agent.ts'
import { removeEverything } from '../remove.ts'
import { createShell } from '../shell/shell.ts'
import { serveNodeConfig } from './node-config.ts'
import type { AgentOptions } from './options.ts'

const fieldManager = 'kosmos-link-agent'

/** Runs the agent until the signal aborts; what it made stays in the kernel, and packets pass. */
export async function runAgent(options: AgentOptions, log: Log, signal: AbortSignal): Promise<void> {
  const shell = createShell()
  const { stateDir, autodetection, node, nodeConfig: name } = options
  const ofNode: Log = (level, event, fields) => log(level, event, { node, ...fields })
  if (options.remove) {
    const steps = await removeEverything(shell, stateDir)
    return log('info', 'node.cleaned', { steps })
  }
  const metrics = createProcessMetrics()
  const connection = new Connection('own', await createTransport(loadKubeConfig({ file: options.kubeconfig })), {
    onRequest: (observation) => metrics.request('own', observation),
  })
  const onReconcile = (observation: ReconcileObservation) => {
    metrics.reconcile('own', observation)
    const { controller, key, error } = observation
    if (error) ofNode('warn', `${controller}.failed`, { object: key, reason: error.message })
  }
  const client = new Client(connection, fieldManager)
  let ready = false
  const onReady = () => {
    ready = true
  }
  const { registry } = metrics
  const http = await serveHttp({ ...options.https, client, log: ofNode, registry, isReady: () => ready })
  const onAgent = (agent: Pick<NodeAgent, 'wanted' | 'report'>) =>
    registerLinkMetrics(registry, async () => {
      const spec = agent.wanted() ?? { nodeName: node }
      return { spec, report: agent.report(), figures: await readFigures({ shell, stateDir }, spec) }
    })
  const work = { client, name, shell, stateDir, autodetection, onReconcile, onReady, onAgent, log: ofNode }
  try {
    await serveNodeConfig(work, signal)
  } finally {
    await http.close()
    await connection.close()
  }
}
