import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  Client,
  Connection,
  createTransport,
  type KubeObject,
  loadKubeConfig,
  namespaces,
  nodes,
  type Pod,
  pods,
  serviceAccounts,
} from '@kosmos/kube'
import { startControlPlane } from '@kosmos/testbed'
import { createKinds, mustCreate } from './admitting-root.fixture.ts'
import { Scheduler } from './scheduler.ts'

/** The namespace that all pods are in; it minds room without a policy. */
export const namespace = 'shop'

interface NodeParts {
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
}

interface PodMetadata {
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly finalizers?: readonly string[]
  readonly ownerReferences?: readonly object[]
}

/**
 * A real API server and kube-scheduler, and the scheduler of Kosmos. Nodes are there by name only, so that bound pods stay as they
 * are; the gate, which admission would add, is in the pods from the start.
 */
export async function startSchedulingRoot(name: string, takeBackAfterMs: number) {
  const root = await startControlPlane({ name, components: ['etcd', 'kube-apiserver', 'kube-scheduler'] })
  const transport = await createTransport(loadKubeConfig({ file: root.kubeconfig }))
  const client = new Client(new Connection('root', transport), 'kosmos-test')
  const told: string[] = []
  const stopping = new AbortController()
  const created = (kind: Parameters<Client['create']>[0], object: object) =>
    mustCreate(client, kind, object as KubeObject)
  await createKinds(client)
  await created(namespaces, { metadata: { name: namespace, labels: { 'kosmos.io/placement': 'best-fit' } } })
  await created(serviceAccounts, { metadata: { namespace, name: 'default' } })
  const record = ({ metadata }: KubeObject, { reason, note }: { reason: string; note: string }) =>
    void told.push(`${reason} ${metadata?.name}: ${note}`)
  const scheduler = new Scheduler({ root: client, takeBackAfterMs, record, log: () => {} })
  const scheduling = scheduler.run(stopping.signal)
  await scheduler.synced
  return {
    client,
    /** Events, as `REASON POD: NOTE`. */
    told,
    created,
    /** One with 4 cores. */
    node: async (name: string, { labels = {}, annotations = {} }: NodeParts = {}) => {
      const amounts = { cpu: '4', memory: '8Gi', pods: '10' }
      const ready = { type: 'Ready', status: 'True', reason: 'Test', message: '' }
      const conditions = [{ ...ready, lastHeartbeatTime: null, lastTransitionTime: null }]
      const status = { capacity: amounts, allocatable: amounts, conditions }
      await created(nodes, { metadata: { name, labels, annotations }, status })
      // Nobody else takes the taint away that every node comes with.
      await client.patch(nodes, { name }, { spec: { taints: null } }, { type: 'merge' })
    },
    /** One at the gate, or with a nodeName bound already. */
    pod: async (name: string, cpu: number, spec: object = {}, metadata: PodMetadata = {}) => {
      const containers = [{ name: 'main', image: 'busybox', resources: { requests: { cpu: `${cpu}` } } }]
      // Without a kubelet, only a pod without grace is gone when it is deleted.
      const common = { containers, terminationGracePeriodSeconds: 0, automountServiceAccountToken: false }
      const gate = !('nodeName' in spec) && { schedulingGates: [{ name: 'kosmos.io/placement' }] }
      return (await created(pods, {
        metadata: { namespace, name, ...metadata },
        spec: { ...common, ...gate, ...spec },
      })) as Pod
    },
    eventually: async (what: string, look: (pod: Pod | undefined) => boolean, name: string) => {
      for (let i = 0; i < 600; i++) {
        const found = await client.get(pods, { namespace, name })
        if (look(found)) return found
        await sleep(100)
      }
      return assert.fail(`never: ${what}; events: ${told.join('; ')}`)
    },
    stop: async () => {
      stopping.abort()
      await scheduling
      await client.connection.close()
      await root.stop()
    },
  }
}

export type SchedulingRoot = Awaited<ReturnType<typeof startSchedulingRoot>>

export const onNode = (name: string) => (pod: Pod | undefined) => pod?.spec.nodeName === name
