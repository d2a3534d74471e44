import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type Cluster,
  clusterKind,
  clusterLinkPolicyKind,
  clusterNodeKind,
  customResourceDefinition,
  nodeConfigKind,
} from '@kosmos/api'
import {
  type Client,
  clusters,
  customResourceDefinitions,
  type KubeObject,
  namespaces,
  type Resource,
  resource,
  secrets,
  serviceAccounts,
  unwrap,
} from '@kosmos/kube'
import { createProcessMetrics } from '@kosmos/kube/process'
import type { ControlPlane } from '@kosmos/testbed'
import { loadAll } from 'js-yaml'
import { ClusterLink } from '../../cluster-link.ts'
import { clusterNodes } from '../resources.ts'

const account = { namespace: 'kosmos-system', name: 'kosmos-1' }
const manifest = new URL('../../../../../deploy/rbac/leaf-link.yaml', import.meta.url)
const clusterRoles = resource('rbac.authorization.k8s.io/v1', 'ClusterRole', 'clusterroles', 'Cluster')
const clusterRoleBindings = resource(
  'rbac.authorization.k8s.io/v1',
  'ClusterRoleBinding',
  'clusterrolebindings',
  'Cluster',
)

export interface Role extends KubeObject {
  readonly rules: readonly { readonly resources: readonly string[] }[]
}

/** A root that has linked itself as the cluster `a`, by credentials that have the rights in a linked cluster and no others. */
export interface OwnCluster {
  /** Again, with all rights: a token is new with each join, and with it the connection. */
  joinAgain(): Promise<void>
  found(): Promise<{ readonly podCIDRs: readonly string[]; readonly reason?: string; readonly message?: string }>
  /** Waits until the condition `NetworksFound` says so. */
  says(reason: string, message: RegExp): ReturnType<OwnCluster['found']>
  /** Waits until the node has these networks. */
  nodeHas(name: string, podCIDRs: readonly string[]): Promise<boolean>
  stop(): Promise<void>
}

/** @param rights what of the rights there are at first */
export async function linkOwnCluster(
  { server, ca }: Pick<ControlPlane, 'server' | 'ca'>,
  client: Client,
  rights = (role: Role): Role => role,
): Promise<OwnCluster> {
  const make = async (kind: Resource, object: object) => unwrap(await client.apply(kind, object as KubeObject))
  const join = async () => {
    const granted = unwrap(await client.requestToken(account, { expirationSeconds: 3600 }))
    const name = 'own'
    const cluster = { server, 'certificate-authority-data': Buffer.from(ca ?? '').toString('base64') }
    const kubeconfig = {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name, cluster }],
      users: [{ name, user: { token: granted?.status.token } }],
      contexts: [{ name, context: { cluster: name, user: name } }],
      'current-context': name,
    }
    const data = { kubeconfig: Buffer.from(JSON.stringify(kubeconfig)).toString('base64') }
    await make(secrets, { metadata: { name: 'a', namespace: 'kosmos-system' }, data })
  }
  const found = async () => {
    const { status } = (await client.get(clusters, { name: 'a' })) ?? {}
    const condition = status?.conditions?.find(({ type }) => type === 'NetworksFound')
    return { podCIDRs: status?.clusterLinkStatus?.podCIDRs ?? [], ...condition }
  }
  for (const kind of [clusterKind, clusterLinkPolicyKind, clusterNodeKind, nodeConfigKind]) {
    await make(customResourceDefinitions, customResourceDefinition(kind))
  }
  await make(namespaces, { metadata: { name: 'kosmos-system' } })
  await make(serviceAccounts, { metadata: account })
  const { role, binding } = await rightsInTheCluster()
  await make(clusterRoles, rights(role))
  await make(clusterRoleBindings, binding)
  await join()
  const stop = new AbortController()
  const link = new ClusterLink({
    root: client,
    log: () => undefined,
    metrics: createProcessMetrics(),
    record: () => undefined,
  })
  const running = link.run(stop.signal)
  const spec = { credentialsSecretRef: { name: 'a' }, clusterLinkOptions: { enable: true } }
  await served(
    'the Cluster',
    async () => (await client.apply(clusters, { metadata: { name: 'a' }, spec } as Cluster)).ok,
  )
  return {
    joinAgain: async () => {
      await make(clusterRoles, role)
      await join()
    },
    found,
    says: (reason, message) =>
      served(`${reason} ${message}`, async () => {
        const seen = await found()
        return seen.reason === reason && message.test(seen.message ?? '') ? seen : undefined
      }),
    nodeHas: (name, podCIDRs) =>
      served(`${name} has ${podCIDRs}`, async () => {
        const seen = (await client.get(clusterNodes, { name: `a-${name}` }))?.spec.podCIDRs ?? []
        return seen.join() === podCIDRs.join()
      }),
    stop: async () => {
      stop.abort()
      await running
    },
  }
}

/** As join --link gives them, for the root that has the id 1. */
async function rightsInTheCluster(): Promise<{ role: Role; binding: KubeObject }> {
  const text = (await readFile(manifest, 'utf8')).replaceAll('<root>', '1')
  const own = (loadAll(text) as KubeObject[]).filter(({ metadata }) => metadata?.name === 'kosmos-1-link')
  const [role, binding] = ['ClusterRole', 'ClusterRoleBinding'].map((kind) => own.find((one) => one.kind === kind))
  assert.ok(role && binding)
  return { role: role as Role, binding }
}

/** Waits for what an API server has in a moment: a kind is served a moment after it is defined. */
export async function served<T>(what: string, look: () => Promise<T | false | undefined>): Promise<T> {
  const deadline = Date.now() + 60_000
  for (;;) {
    const seen = await look().catch(() => undefined)
    if (seen) return seen
    if (Date.now() > deadline) throw new Error(`never: ${what}`)
    await sleep(50)
  }
}
