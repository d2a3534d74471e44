import { Client, Connection, createTransport, loadKubeConfig, type ReconcileObservation } from '@kosmos/kube'
import { createProcessMetrics, type Log, serveHttp } from '@kosmos/kube/process'
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
  const { httpAddress: address, httpPort: port } = options
  const http = await serveHttp({ address, port, registry: metrics.registry, isReady: () => ready })
  ofNode('info', 'http.listening', { url: http.url })
  try {
    await serveNodeConfig({ client, name, shell, stateDir, autodetection, onReconcile, onReady, log: ofNode }, signal)
  } finally {
    await http.close()
    await connection.close()
  }
}
