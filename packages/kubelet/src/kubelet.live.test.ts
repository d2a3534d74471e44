import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import https from 'node:https'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import {
  Client,
  Connection,
  configMaps,
  createTransport,
  loadKubeConfig,
  type RequestObservation,
  resource,
  serviceAccounts,
  unwrap,
} from '@kosmos/kube'
import { type ControlPlane, startControlPlane } from '@kosmos/testbed'
import { createAuthorize } from './auth/access.ts'
import { clientCAConfigMap, followClientCA, readClientCA } from './auth/client-ca.ts'
import { createTestAuthority } from './testing/authority.ts'
import { type Peer, startPeer } from './testing/leaf.ts'
import { ask } from './testing/serve.ts'
import { createPod, startVirtualNode, type VirtualNode } from './testing/virtual-node.ts'

const clusterRoles = resource('rbac.authorization.k8s.io/v1', 'ClusterRole', 'clusterroles', 'Cluster')
const clusterRoleBindings = resource(
  'rbac.authorization.k8s.io/v1',
  'ClusterRoleBinding',
  'clusterrolebindings',
  'Cluster',
)

describe('the kubelet API of a virtual node in a real root', () => {
  let root: ControlPlane
  let client: Client
  let node: VirtualNode
  let leaf: Peer
  let port: number
  const seen: RequestObservation[] = []
  const connect = async (file: string, name = 'root') =>
    new Connection(name, await createTransport(loadKubeConfig({ file })), {
      onRequest: (seenNow) => seen.push(seenNow),
    })

  before(async () => {
    root = await startControlPlane({
      name: 'root',
      components: ['etcd', 'kube-apiserver', 'kube-controller-manager'],
    })
    client = new Client(await connect(root.kubeconfig), 'kosmos-test')
    leaf = await startPeer()
    node = await startVirtualNode(client, 'vn1', (pod) =>
      pod === 'web'
        ? { kind: 'found', connection: leaf.connection, namespace: 'leaf-ns', name: 'leaf-pod' }
        : { kind: 'absent', message: `pod "${pod}" does not exist` },
    )
    port = node.port
  })
  after(async () => {
    await node?.close()
    await leaf?.close()
    await client?.connection.close()
    await root?.stop()
  })

  const token = async (name: string): Promise<string> => {
    unwrap(await client.create(serviceAccounts, { metadata: { namespace: 'default', name } }))
    const answer = await client.requestToken({ namespace: 'default', name }, {})
    return unwrap(answer)?.status.token ?? ''
  }
  const allow = async (name: string, subresource: string, verb: string) => {
    const metadata = { name: `${name}-${subresource}` }
    unwrap(
      await client.create(clusterRoles, {
        metadata,
        rules: [{ apiGroups: [''], resources: [`nodes/${subresource}`], verbs: [verb] }],
      } as object),
    )
    unwrap(
      await client.create(clusterRoleBindings, {
        metadata,
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: metadata.name },
        subjects: [{ kind: 'ServiceAccount', namespace: 'default', name }],
      } as object),
    )
    // The root's authorizer hears of rights a moment after they are stored, and the node remembers a refusal.
    const user = { name: `system:serviceaccount:default:${name}`, groups: [] }
    const isKnown = () => createAuthorize(client)({ user, verb, node: 'vn1', subresource })
    while (!(await isKnown())) await new Promise((resolve) => setTimeout(resolve, 20))
  }

  it('shows a certificate that the root signed for the node', async () => {
    const { code } = await ask(port, '/healthz', { ca: root.ca, rejectUnauthorized: true })
    assert.equal(code, 401)
    const lifetimeMs = node.certificate.notAfter.getTime() - node.certificate.notBefore.getTime()
    assert.ok(lifetimeMs > 24 * 3600_000)
  })

  it('admits the root’s API server by its client certificate', async () => {
    const pki = (name: string) => readFileSync(path.join(root.dir, 'pki', name), 'utf8')
    const apiserver = { cert: pki('kubelet-client.crt'), key: pki('kubelet-client.key') }
    assert.equal((await ask(port, '/healthz', apiserver)).code, 200)
  })

  it('admits clients of an authority as soon as the root trusts it', async () => {
    const next = await createTestAuthority('next')
    const stranger = await next.issue({ commonName: 'stranger' })
    assert.equal((await ask(port, '/healthz', stranger)).code, 401)
    const bundle = await readClientCA(client)
    const follows = new AbortController()
    const trusted = new Promise<void>((resolve) => {
      void followClientCA(
        client,
        (pem) => {
          node.api.updateClientCA(pem)
          if (pem !== bundle) resolve()
        },
        follows.signal,
      )
    })
    const data = { 'client-ca-file': `${bundle}${next.pem}\n` }
    unwrap(await client.patch(configMaps, clientCAConfigMap, { data }, { type: 'merge' }))
    await trusted
    assert.equal((await ask(port, '/healthz', stranger)).code, 403)
    follows.abort()
  })

  it('admits a ServiceAccount to what its rights are for and no further', async () => {
    const scraper = await token('scraper')
    await allow('scraper', 'metrics', 'get')
    assert.equal((await ask(port, '/metrics/cadvisor', { token: scraper })).code, 200)
    const refused = await ask(port, '/pods', { token: scraper })
    assert.equal(refused.code, 403)
    assert.equal(
      refused.text,
      'Forbidden (user=system:serviceaccount:default:scraper, verb=get, resource=nodes, subresource(s)=[pods proxy])\n',
    )
    const odd = await ask(port, '/metrics', { token: scraper, method: 'HEAD' })
    assert.equal(odd.code, 403)
    assert.equal((await ask(port, '/pods', { token: `${scraper.slice(0, -4)}AAAA` })).code, 401)
  })

  it('does not let the right to read act: exec by GET demands create', async () => {
    const reader = await token('reader')
    await allow('reader', 'proxy', 'get')
    assert.equal((await ask(port, '/containerLogs/default/none/main', { token: reader })).code, 404)
    assert.equal((await ask(port, '/exec/default/none/main?output=1&command=ls', { token: reader })).code, 403)
  })

  it('remembers what the root allowed, and what it refused for as long as it was told to', async () => {
    await token('late')
    const user = { name: 'system:serviceaccount:default:late', groups: [] }
    const access = { user, verb: 'get', node: 'vn1', subresource: 'stats' }
    const forgetful = createAuthorize(client, { deniedMs: 1 })
    const lasting = createAuthorize(client)
    assert.deepEqual([await forgetful(access), await lasting(access)], [false, false])
    await allow('late', 'stats', 'get')
    while (!(await forgetful(access))) await new Promise((resolve) => setTimeout(resolve, 20))
    assert.equal(await lasting(access), false)
    unwrap(await client.delete(clusterRoleBindings, { name: 'late-stats' }))
    while (await createAuthorize(client)(access)) await new Promise((resolve) => setTimeout(resolve, 20))
    assert.equal(await forgetful(access), true)
  })

  it('asks the root once for many equal requests', async () => {
    const crowd = await token('crowd')
    await allow('crowd', 'metrics', 'get')
    seen.length = 0
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask(port, '/metrics', { token: crowd })))
    assert.ok(answers.every(({ code }) => code === 200))
    const posts = seen.filter(({ method }) => method === 'POST').map(({ path }) => path.replace(/\?.*/, ''))
    assert.deepEqual(posts.sort(), [
      '/apis/authentication.k8s.io/v1/tokenreviews',
      '/apis/authorization.k8s.io/v1/subjectaccessreviews',
    ])
  })

  it('tells of itself to whom the rights for it are given, and why it does not serve the rest', async () => {
    const admin = await token('admin')
    for (const subresource of ['configz', 'statusz', 'log']) await allow('admin', subresource, 'get')
    const flagz = await ask(port, '/flagz', { token: admin })
    assert.equal(flagz.code, 200)
    assert.match(flagz.text, /^\nkubelet flagz\n/)
    const statusz = await ask(port, '/statusz', { token: admin })
    assert.equal(statusz.code, 200)
    assert.match(statusz.text, /\nBinary version: 1\.37\.2\n/)
    const logs = await ask(port, '/logs/', { token: admin })
    assert.equal(logs.code, 501)
    assert.match(logs.text, /does not serve \/logs\/: the system logs of a leaf's nodes belong to that cluster/)
    const checkpoint = await ask(port, '/checkpoint/default/web/main', { token: admin, method: 'POST' })
    assert.equal(checkpoint.code, 403)
    assert.match(checkpoint.text, /verb=create, resource=nodes, subresource\(s\)=\[checkpoint\]/)
  })

  it('serves the root’s API server: logs with verified TLS, and an upgrade for exec', async () => {
    await createPod(client, 'web', { nodeName: 'vn1', containers: [{ name: 'main', image: 'x' }] })
    let asked = ''
    leaf.server.on('request', (request, response) => {
      asked = request.url ?? ''
      response.end('a line\n')
    })
    assert.equal(
      (await client.connection.request({ method: 'GET', path: '/api/v1/namespaces/default/pods/web/log?tailLines=3' }))
        .body,
      'a line\n',
    )
    assert.equal(asked, '/prefix/api/v1/namespaces/leaf-ns/pods/leaf-pod/log?container=main&tailLines=3')

    leaf.server.on('upgrade', (request, socket) => {
      asked = `${request.headers.upgrade} ${request.headersDistinct['x-stream-protocol-version']?.join(' ')} ${request.url}`
      socket.end(
        'HTTP/1.1 500 Internal Server Error\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n\r\nnot this time',
      )
    })
    const { headers: login, ...options } = await client.connection.upgradeOptions(
      '/api/v1/namespaces/default/pods/web/exec?command=ls&stdout=true',
    )
    const refused = await new Promise<string>((resolve, reject) => {
      const headers = {
        ...login,
        Connection: 'Upgrade',
        Upgrade: 'SPDY/3.1',
        'X-Stream-Protocol-Version': ['v5.channel.k8s.io', 'v4.channel.k8s.io'],
      }
      const request = https.request({ ...options, method: 'POST', headers }, (response) => {
        response.on('data', (chunk) => resolve(`${response.statusCode} ${chunk}`))
      })
      request.on('error', reject)
      request.end()
    })
    assert.equal(refused, '500 not this time')
    assert.equal(
      asked,
      'SPDY/3.1 v5.channel.k8s.io v4.channel.k8s.io /prefix/api/v1/namespaces/leaf-ns/pods/leaf-pod/exec?container=main&stdin=false&stdout=true&stderr=false&tty=false&command=ls',
    )
  })
})
