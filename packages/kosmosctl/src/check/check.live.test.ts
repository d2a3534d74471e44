import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { namespaces, nodes } from '@kosmos/kube'
import { leafAccountName } from '../clusters/names.ts'
import { clusterRoles, clusters } from '../clusters/resources.ts'
import { join } from '../join/join.ts'
import { rightsAreKnown, startCluster, stopCluster, type TestCluster } from '../live.fixture.ts'
import { explain } from '../terminal/explain.ts'
import { silent } from '../terminal/progress.ts'
import { check } from './check.ts'

let root: TestCluster
let leaf: TestCluster

before(async () => {
  ;[root, leaf] = await Promise.all([startCluster('root'), startCluster('leaf')])
})
after(async () => {
  await Promise.all([root, leaf].map((cluster) => cluster && stopCluster(cluster)))
})

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
