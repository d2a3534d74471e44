import path from 'node:path'
import { nodes, unwrap } from '@kosmos/kube'
import { ports } from '../control-plane/address.ts'
import { asAdmin } from '../control-plane/admin.ts'
import type { ControlPlane } from '../control-plane/control-plane.ts'
import type { Journal } from '../processes/journal.ts'
import { launch } from '../processes/launch.ts'
import { kwokGuard } from './kwok-guard.ts'
import { allReady } from './ready.ts'

/** What every simulated node says it has; quantities as Kubernetes writes them. */
type NodeCapacity = Readonly<Record<string, string>>

const defaultCapacity: NodeCapacity = { cpu: '64', memory: '256Gi', 'ephemeral-storage': '1Ti', pods: '500' }

export interface KwokInput {
  readonly journal: Journal
  readonly cluster: ControlPlane
  readonly count: number
  readonly capacity?: NodeCapacity
  readonly bin: { readonly kwok: string; readonly 'stage-fast.yaml': string }
}

/** kwok looks after nodes with this label only, so that virtual nodes and real ones are left alone. */
const managed = { label: 'type', value: 'kwok' } as const

/** Adds simulated nodes, on which pods become Running at once, and resolves with their names when all are Ready. */
export async function startKwokNodes(input: KwokInput): Promise<string[]> {
  const { journal, cluster, count, bin, capacity = defaultCapacity } = input
  const address = `${cluster.loopback}:${ports.kwok}`
  await asAdmin(cluster, async (client) => {
    for (const { resource, object } of kwokGuard()) unwrap(await client.apply(resource, object))
  })
  await launch(journal, {
    id: `${cluster.name}/kwok`,
    argv: [
      bin.kwok,
      `--kubeconfig=${path.join(cluster.dir, 'pki', 'kwok.kubeconfig')}`,
      `--config=${bin['stage-fast.yaml']}`,
      `--manage-nodes-with-label-selector=${managed.label}=${managed.value}`,
      '--node-lease-duration-seconds=40',
      `--server-address=${address}`,
      `--cidr=${cluster.network.podCIDR}`,
      `--node-ip=${cluster.loopback}`,
    ],
    log: path.join(cluster.dir, 'logs', 'kwok.log'),
    health: { url: `http://${address}/healthz` },
    stopTimeoutMs: 1000,
  })
  const names = Array.from({ length: count }, (_, i) => `kwok-${i}`)
  await asAdmin(cluster, async (client) => {
    await Promise.all(names.map((name) => client.create(nodes, node(name, capacity))))
    await allReady(client, names, { labelSelector: `${managed.label}=${managed.value}` })
  })
  return names
}

function node(name: string, capacity: NodeCapacity): object {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name,
      labels: {
        [managed.label]: managed.value,
        'kubernetes.io/hostname': name,
        'kubernetes.io/os': 'linux',
        'kubernetes.io/arch': 'amd64',
      },
    },
    status: { capacity, allocatable: capacity },
  }
}
