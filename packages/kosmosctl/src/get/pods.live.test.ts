import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { before, describe, it } from 'node:test'
import { type Client, type KubeObject, namespaces, nodes, pods, type Resource, unwrap } from '@kosmos/kube'
import { withClusters } from '../clusters/connect.ts'
import { clusterRoleBindings, clusterRoles, clusters, roleBindings, roles } from '../clusters/resources.ts'
import { installDefinitions } from '../install/definitions.ts'
import { eventually, liveClusters } from '../live.fixture.ts'
import { listPods } from './pods.ts'

const namespace = 'shop'
const rbac = 'rbac.authorization.k8s.io'

describe('kosmosctl get pods of somebody who may list no nodes', { timeout: 240_000 }, () => {
  const { root } = liveClusters(['root'])
  before(async () => {
    await installDefinitions(root.client)
    await create(namespaces, { metadata: { name: namespace } })
    for (const [name, labels] of [
      ['kosmos-paris', { 'kosmos.io/node': 'true', 'kosmos.io/cluster': 'paris' }],
      ['worker', {}],
    ] as const) {
      await create(nodes, { metadata: { name, labels } })
      const spec = { nodeName: name, automountServiceAccountToken: false, containers: [{ name: 'c', image: 'i' }] }
      await create(pods, { metadata: { namespace, name: `on-${name}` }, spec })
    }
    await eventually(
      async () =>
        (
          await root.client.create(clusters, {
            metadata: { name: 'paris' },
            spec: {
              credentialsSecretRef: { namespace: 'kosmos-system', name: 'paris', key: 'kubeconfig' },
              clusterTreeOptions: { enable: true },
            },
          } as never)
        ).ok,
      'the kind Cluster',
    )
    await create(roles, {
      metadata: { namespace, name: 'dev' },
      rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['list'] }],
    })
    await create(roleBindings, {
      metadata: { namespace, name: 'dev' },
      subjects: [{ apiGroup: rbac, kind: 'Group', name: 'devs' }],
      roleRef: { apiGroup: rbac, kind: 'Role', name: 'dev' },
    })
  })

  const create = async (kind: Resource<KubeObject>, object: object) =>
    unwrap(await root.client.create(kind, object as KubeObject))

  /** What a developer sees, who is one by the group of his kubeconfig. */
  async function seen(askLeaves: boolean) {
    const text = await readFile(root.plane.kubeconfig, 'utf8')
    const asDeveloper = text.replaceAll(/^( *)user:\s*\n/gm, '$&$1  as: ann\n$1  as-groups: [devs]\n')
    assert.match(asDeveloper, /as-groups/)
    const warnings: string[] = []
    const look = async (client: Client) =>
      await listPods(client, { namespace, askLeaves, warn: (text) => warnings.push(text) })
    const { rows } = await withClusters({ root: { text: asDeveloper } }, async ({ root }) => {
      return await eventually(() => look(root.client).catch(() => undefined), 'rights to list pods')
    })
    return { rows: rows.map(({ cells }) => cells.slice(0, 2)), warnings: [...new Set(warnings)] }
  }

  it('has the pods of all nodes, and says that it cannot tell them apart', async () => {
    const { rows, warnings } = await seen(true)
    assert.deepEqual(rows, [
      ['on-kosmos-paris', '<unknown>'],
      ['on-worker', '<unknown>'],
    ])
    assert.match(
      warnings.join(),
      /neither nodes nor clusters.kosmos.io: pods on nodes of the root itself are in the list/,
    )
  })

  it('tells them apart by the Clusters where those may be listed, and says that leaves were not asked', async () => {
    await create(clusterRoles, {
      metadata: { name: 'clusters' },
      rules: [{ apiGroups: ['kosmos.io'], resources: ['clusters'], verbs: ['list'] }],
    })
    await create(clusterRoleBindings, {
      metadata: { name: 'clusters' },
      subjects: [{ apiGroup: rbac, kind: 'Group', name: 'devs' }],
      roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: 'clusters' },
    })
    const { rows, warnings } = await eventually(async () => {
      const found = await seen(true)
      return found.rows.length === 1 && found
    }, 'rights to list Clusters')
    assert.deepEqual(rows, [['on-kosmos-paris', 'paris']])
    assert.match(warnings.join(), /leaves were not asked: .*kube-system.*forbidden/)
  })
})
