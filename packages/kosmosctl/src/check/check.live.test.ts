import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { namespaces, nodes } from '@kosmos/kube'
import { leafAccountName } from '../clusters/names.ts'
import { clusterRoleBindings, clusterRoles, clusters } from '../clusters/resources.ts'
import { join } from '../join/join.ts'
import { eventually, liveClusters, rightsAreKnown } from '../live.fixture.ts'
import { explain } from '../terminal/explain.ts'
import { silent } from '../terminal/progress.ts'
import { check } from './check.ts'

const { root, leaf } = liveClusters(['root', 'leaf'])

/** The root as somebody sees it who has only those rights that were given to him. */
function asStranger(): { text: string } {
  const { server, ca, adminToken } = root.plane
  const cluster = { server, 'certificate-authority-data': Buffer.from(ca).toString('base64') }
  return {
    text: JSON.stringify({
      clusters: [{ name: 'c', cluster }],
      users: [{ name: 'u', user: { token: adminToken, as: 'stranger' } }],
      contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
      'current-context': 'c',
    }),
  }
}

/** What the checks found that came to this. */
async function found(status: 'problem' | 'warning'): Promise<Record<string, string>> {
  const findings = await check({ root: root.source }, silent)
  return Object.fromEntries(
    findings.flatMap(({ id, verdict }) => (verdict.status === status ? [[id, verdict.what]] : [])),
  )
}
const problems = () => found('problem')

describe('a check', () => {
  it('of an empty root says what is not installed', async () => {
    assert.deepEqual(Object.keys(await problems()), ['crds', 'controller'])
  })

  it('of a leaf without controllers names all that is missing at once', async () => {
    await join({ name: 'leaf1', root: root.source, leaf: leaf.source, timeoutSeconds: 0 }, silent)
    assert.deepEqual(Object.keys(await problems()), [
      'controller',
      'reachable',
      'credentials-valid',
      'virtual-nodes-ready',
    ])
  })

  it('of a leaf whose pods get tokens warns of an issuer that is the leaf there', async () => {
    assert.equal((await found('warning'))['token-issuer'], undefined)
    const patch = { spec: { clusterTreeOptions: { rootAPIServer: 'https://root.invalid:6443' } } }
    await root.client.patch(clusters, { name: 'leaf1' }, patch, { type: 'merge' })
    assert.match((await found('warning'))['token-issuer'] ?? '', /name https:\/\/kubernetes\.default\.svc/)
  })

  it('by somebody without rights names all that are missing, and does not call the root unreachable', async () => {
    const findings = await check({ root: asStranger() }, silent)
    assert.deepEqual(
      findings.map(({ id, verdict }) => [id, verdict.status]),
      [
        ['root-reachable', 'ok'],
        ['root-rights', 'problem'],
      ],
    )
    assert.match(
      findings[1]?.verdict.what ?? '',
      /may not list nodes, list clusters\.kosmos\.io, get customresourcedefinitions\.apiextensions\.k8s\.io "clusters\.kosmos\.io", .* in the root/,
    )
  })

  it('by somebody who may not see Secrets leaves out what is seen with the credentials in them', async () => {
    const everything = { apiGroups: ['*'], verbs: ['get', 'list'] }
    const groups = ['nodes', 'configmaps', 'clusters', 'customresourcedefinitions', 'deployments', 'leases']
    const more = ['certificatesigningrequests', 'mutatingadmissionpolicies', 'mutatingwebhookconfigurations']
    const metadata = { name: 'stranger' }
    const rules = [{ ...everything, resources: [...groups, ...more] }]
    await root.client.create(clusterRoles, { metadata, ...{ rules } })
    const binding = {
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'stranger' },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'stranger' }],
    }
    await root.client.create(clusterRoleBindings, { metadata, ...binding })
    const statuses = await eventually(async () => {
      const findings = await check({ root: asStranger() }, silent)
      const statuses = new Map(findings.map(({ id, verdict }) => [id, verdict.status]))
      return !statuses.has('root-rights') && statuses
    }, 'the rights are known')
    for (const id of ['credentials-expiry', 'leaf-from-here', 'leaf-rights']) assert.equal(statuses.get(id), 'skipped')
  })

  it('asks the API server to reach a virtual node, and says what keeps it from it', async () => {
    const labels = { 'kosmos.io/node': 'true', 'kosmos.io/cluster': 'leaf1' }
    await root.client.create(nodes, { metadata: { name: 'kosmos-leaf1', labels } })
    const addresses = [{ type: 'Hostname', address: 'kosmos-leaf1.invalid' }]
    await root.client.patch(
      nodes,
      { name: 'kosmos-leaf1' },
      { status: { addresses } },
      { type: 'strategic', subresource: 'status' },
    )
    const found = await problems()
    assert.match(found['node-addresses'] ?? '', /kosmos-leaf1 has no InternalIP/)
    assert.match(found['kubelet-api'] ?? '', /kosmos-leaf1/)
    await root.client.delete(nodes, { name: 'kosmos-leaf1' })
  })

  it('notices rights that were taken away in the leaf', async () => {
    const rootId = (await root.client.get(namespaces, { name: 'kube-system' }))?.metadata.uid ?? ''
    const role = { name: leafAccountName(rootId) }
    const keep = [{ apiGroups: [''], resources: ['nodes'], verbs: ['get'] }]
    await leaf.client.patch(clusterRoles, role, { rules: keep }, { type: 'merge' })
    const account = { namespace: 'kosmos-system', name: role.name }
    await rightsAreKnown(leaf.client, account, { verb: 'list', resource: 'pods' }, false)
    assert.match((await problems())['leaf-rights'] ?? '', /may not get pods, list pods, .* and \d+ more/)
  })

  it('of a leaf that is down says that it does not answer', async () => {
    await leaf.plane.kill('kube-apiserver')
    assert.match((await problems())['leaf-from-here'] ?? '', /ECONNREFUSED/)
  })

  it('of a cluster that does not exist says which there are', async () => {
    const error = await check({ root: root.source, cluster: 'nobody' }, silent).catch((error) => explain(error))
    assert.ok(error instanceof Error)
    assert.match(error.message, /no Cluster "nobody"/)
  })

  it('of a root that is down is one problem', async () => {
    await root.plane.kill('kube-apiserver')
    assert.match((await problems())['root-reachable'] ?? '', /ECONNREFUSED/)
  })
})
