import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { request } from 'node:https'
import type { AddressInfo } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { namespaces, serviceAccounts } from '@kosmos/kube'
import { clusterRoleBindings, clusterRoles } from '../clusters/resources.ts'
import { changesSince, eventually, rightsAreKnown, rootAndLeaf, type TestCluster, unchanged } from '../live.fixture.ts'
import { joining } from './joining.fixture.ts'
import type { JoinOptions } from './options.ts'

const { root, leaf, pristine } = rootAndLeaf()
let folder: string

before(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'kosmosctl-'))
})
after(async () => {
  await rm(folder, { recursive: true, force: true })
})

const { complaints } = joining(root, leaf)

async function file(name: string, text: string): Promise<{ file: string }> {
  await writeFile(path.join(folder, name), text)
  return { file: path.join(folder, name) }
}

const kubeconfig = (server: string, user: object, cluster: object = {}) =>
  JSON.stringify({
    clusters: [{ name: 'c', cluster: { server, ...cluster } }],
    users: [{ name: 'u', user }],
    contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'c',
  })

const insecure = { 'insecure-skip-tls-verify': true }
const base64 = (text: string) => Buffer.from(text).toString('base64')

describe('a join that cannot work', () => {
  it('is refused with the reason, and leaves nothing on either side', async () => {
    const { server, ca, adminToken } = leaf.plane
    const authority = { 'certificate-authority-data': base64(ca) }
    const cases: [Partial<JoinOptions>, RegExp][] = [
      [{ leaf: await file('broken', 'clusters: [') }, /broken is not a valid kubeconfig/],
      [{ leaf: { file: path.join(folder, 'absent') } }, /absent cannot be read: ENOENT/],
      [{ leaf: { ...leaf.source, context: 'nowhere' } }, /has no context "nowhere"; it has: leaf/],
      [{ name: 'Not_A_Name' }, /the name "Not_A_Name" is not an RFC 1123 subdomain/],
      [{ name: 'a'.repeat(60) }, /has 60 characters, at most 56 are possible/],
      [{ leaf: root.source }, /are the same cluster: the root cannot be its own leaf/],
      [
        { leaf: await file('refused', kubeconfig('https://127.0.0.1:9', { token: 'x' })) },
        /the leaf at https:\/\/127.0.0.1:9\/ cannot be reached from this machine: .*ECONNREFUSED/,
      ],
      [
        { leaf: await file('untrusted', kubeconfig(server, { token: adminToken })) },
        /the leaf at \S+ is not trusted: .*(self-signed|unable to verify|unable to get)/,
      ],
      [
        { leaf: await file('stranger', kubeconfig(server, { token: 'wrong' }, authority)) },
        /the leaf at \S+ does not accept the credentials \(401\)/,
      ],
      [
        { leaf: await file('skip', kubeconfig(server, { token: adminToken }, insecure)) },
        /the leaf's kubeconfig sets insecure-skip-tls-verify/,
      ],
      [{ installCrds: false }, /the root does not know the kind Cluster/],
    ]
    for (const [differences, sentence] of cases) assert.match(await complaints(differences), sentence)
    assert.deepEqual(await changesSince(pristine.root, root.client), unchanged)
    assert.deepEqual(await changesSince(pristine.leaf, leaf.client), unchanged)
  })

  it('is refused when another root has linked the leaf', async () => {
    const metadata = { name: 'kosmos-link', labels: { 'kosmos.io/root-cluster': 'another' } }
    await leaf.client.create(namespaces, { metadata })
    assert.match(await complaints({ link: {} }), /^the leaf is linked by another root \(.* the uid another\)/)
    await leaf.client.delete(namespaces, metadata)
    await eventually(async () => !(await leaf.client.get(namespaces, metadata)), 'the namespace is gone')
    assert.deepEqual(await changesSince(pristine.leaf, leaf.client), unchanged)
  })

  it('is refused when the leaf is too old, with its version and the oldest possible', async () => {
    const old = await olderThanItIs(leaf, 'v1.27.4')
    try {
      const { port } = old.address() as AddressInfo
      const source = await file(
        'old',
        kubeconfig(`http://127.0.0.1:${port}`, { token: leaf.plane.adminToken }, insecure),
      )
      const sentence = /^the leaf runs Kubernetes v1.27.4, and 1.29.0 is the oldest that can be joined$/m
      assert.match(await complaints({ leaf: source }), sentence)
    } finally {
      old.close()
    }
  })

  it('is refused when the credentials lack rights, and says all that are missing', async () => {
    const namespace = 'default'
    await leaf.client.create(serviceAccounts, { metadata: { name: 'nobody', namespace } })
    const reader = { rules: [{ apiGroups: [''], resources: ['namespaces'], verbs: ['get'] }] }
    await leaf.client.create(clusterRoles, { metadata: { name: 'reader' }, ...reader })
    await leaf.client.create(clusterRoleBindings, {
      metadata: { name: 'reader' },
      ...{
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'reader' },
        subjects: [{ kind: 'ServiceAccount', name: 'nobody', namespace }],
      },
    })
    const token = await leaf.client.createFor<{ status: { token: string } }>(
      serviceAccounts,
      { name: 'nobody', namespace },
      'token',
      {},
    )
    assert.ok(token.ok)
    const authority = { 'certificate-authority-data': base64(leaf.plane.ca) }
    const source = await file('nobody', kubeconfig(leaf.plane.server, { token: token.object.status.token }, authority))
    await rightsAreKnown(leaf.client, { namespace, name: 'nobody' }, { verb: 'get', resource: 'namespaces' }, true)
    const what = await complaints({ leaf: source })
    assert.match(
      what,
      /the credentials may not create namespaces, get serviceaccounts in kosmos-system, .*create serviceaccounts\/token/,
    )
    await leaf.client.delete(clusterRoleBindings, { name: 'reader' })
    await leaf.client.delete(clusterRoles, { name: 'reader' })
    await leaf.client.delete(serviceAccounts, { name: 'nobody', namespace })
    assert.deepEqual(await changesSince(pristine.leaf, leaf.client), unchanged)
  })
})

/** The real API server, seen through a proxy that says something else of its version. */
async function olderThanItIs({ plane }: TestCluster, gitVersion: string): Promise<Server> {
  const server = createServer((incoming, outgoing) => {
    const { url = '/', method, headers } = incoming
    if (url === '/version') {
      outgoing.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ gitVersion }))
      return
    }
    const upstream = request(plane.server + url, { method, headers, ca: plane.ca }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 500, answer.headers)
      answer.pipe(outgoing)
    })
    incoming.pipe(upstream)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}
