import { clusterLabel } from '@kosmos/api'
import { Client, Connection, createTransport, type KubeObject, loadKubeConfig, nodes } from '@kosmos/kube'
import { type FaultProxy, startFaultProxy } from '@kosmos/testbed'
import { type AdmittingRoot, mustCreate, startAdmittingRoot } from './admitting-root.fixture.ts'
import { Scheduler } from './scheduler.ts'

/** A root with a node for each leaf, and a scheduler that reaches it through a proxy. */
export interface FaultyRoot {
  readonly root: AdmittingRoot
  readonly proxy: FaultProxy
  stop(): Promise<void>
}

/** @param allocatable what each node has for pods */
export async function startFaultyRoot(
  name: string,
  leaves: readonly string[],
  allocatable: Readonly<Record<string, string>>,
): Promise<FaultyRoot> {
  const ending = new AbortController()
  const ends: (() => Promise<unknown>)[] = []
  const stop = async () => {
    ending.abort()
    for (const end of ends.toReversed()) await end()
  }
  try {
    const root = await startAdmittingRoot(name)
    ends.push(() => root.stop())
    const proxy = await startFaultProxy({ target: root.controlPlane })
    ends.push(() => proxy.close())
    const connection = new Connection('root', await createTransport(loadKubeConfig({ file: proxy.kubeconfig })))
    ends.push(() => connection.close())
    const condition = { type: 'Ready', status: 'True', reason: 'Test', message: '' }
    const times = { lastHeartbeatTime: null, lastTransitionTime: null }
    const status = { allocatable, conditions: [{ ...condition, ...times }] }
    for (const leaf of leaves) {
      const metadata = { name: `kosmos-${leaf}`, labels: { [clusterLabel]: leaf } }
      await mustCreate(root.client, nodes, { metadata, status } as KubeObject)
    }
    const through = new Client(connection, 'kosmos-test')
    const scheduler = new Scheduler({ root: through, takeBackAfterMs: 0, record: () => {}, log: () => {} })
    const scheduling = scheduler.run(ending.signal)
    ends.push(() => scheduling)
    await scheduler.synced
    return { root, proxy, stop }
  } catch (error) {
    await stop()
    throw error
  }
}
