import { readFileSync, rmSync } from 'node:fs'
import path from 'node:path'
import { systemNamespace } from '@kosmos/api'
import {
  clusters,
  customResourceDefinitions,
  type KubeObject,
  namespaces,
  secrets,
  serviceAccounts,
  unwrap,
} from '@kosmos/kube'
import type { Log } from '@kosmos/kube/process'
import { load } from 'js-yaml'
import type { ClusterKubelets } from '../kubelet/cluster-kubelets.ts'
import { eventually, type LiveCluster } from '../live.fixture.ts'
import { createMetrics } from '../process/metrics.ts'
import { runClusterTree } from '../process/run.ts'
import { Leaf } from './leaf.ts'
import type { LeafOptions } from './options.ts'

const definition = new URL('../../../../deploy/crds/kosmos.io_clusters.yaml', import.meta.url)

/** cluster-tree in the process of a test, without leader election, until the signal aborts. */
export function runTree({ controlPlane }: LiveCluster, log: Log, signal: AbortSignal): Promise<void> {
  const options = {
    kubeconfig: controlPlane.kubeconfig,
    nodeAddress: '127.0.0.1',
    firstKubeletPort: 0,
    https: { address: '127.0.0.1', port: 0, tls: undefined },
    leaderElection: false,
    identity: 'test',
    logLevel: 'info',
  } as const
  return runClusterTree(options, log, signal)
}

/** Makes a root of a cluster that has the Cluster `leaf`, whose administrator it is in the leaf. */
export async function joinLeaf(root: LiveCluster, leaf: LiveCluster, treeOptions: object = {}): Promise<void> {
  await root.client.create(customResourceDefinitions, load(readFileSync(definition, 'utf8')) as KubeObject)
  await root.client.create(namespaces, { metadata: { name: systemNamespace } })
  await Promise.all([root, leaf].map(admitsPods))
  await eventually('Clusters are served', async () => {
    const path = '/apis/kosmos.io/v1alpha1/clusters'
    return (await root.client.connection.request({ method: 'GET', path })).code === 200
  })
  const secret = { namespace: systemNamespace, name: 'of-leaf' }
  const data = { kubeconfig: readFileSync(leaf.controlPlane.kubeconfig).toString('base64') }
  unwrap(await root.client.create(secrets, { metadata: secret, data } as KubeObject))
  const spec = { credentialsSecretRef: { name: secret.name }, clusterTreeOptions: { enable: true, ...treeOptions } }
  unwrap(await root.client.create(clusters, { metadata: { name: 'leaf' }, spec } as KubeObject))
}

/** Makes another cluster of one: the same address and keys, an empty store. */
export async function makeAnew({ controlPlane }: LiveCluster): Promise<void> {
  await controlPlane.kill('kube-apiserver')
  await controlPlane.kill('etcd')
  rmSync(path.join(controlPlane.dir, 'etcd'), { recursive: true })
  await controlPlane.restart('etcd')
  await controlPlane.restart('kube-apiserver')
}

/** Waits until a cluster that may just have started takes pods. */
export async function admitsPods({ client }: LiveCluster): Promise<void> {
  await eventually('pods may be created', async () => {
    const account = { metadata: { namespace: 'default', name: 'default' } }
    return await client.create(serviceAccounts, account).then(
      ({ ok }) => ok,
      () => false,
    )
  })
}

/** Waits until the Cluster `leaf` says so: status and reason of a condition. */
export async function clusterSays({ client }: LiveCluster, type: string, expected: string): Promise<void> {
  await eventually(`${type} ${expected}`, async () => {
    const { status } = (await client.get(clusters, { name: 'leaf' })) ?? {}
    const said = status?.conditions?.find((one) => one.type === type)
    return said && `${said.status} ${said.reason}` === expected
  })
}

/** A leaf by itself, followed by nobody; it has no virtual node that could be served. */
export function leafAlone(of: Pick<LeafOptions, 'cluster' | 'root'>, kubeconfigFile: string): Leaf {
  return new Leaf({
    ...of,
    kubeconfig: readFileSync(kubeconfigFile, 'utf8'),
    kubelets: {} as ClusterKubelets,
    claim: () => undefined,
    release: () => {},
    changed: () => {},
    log: () => {},
    metrics: createMetrics(),
  })
}
