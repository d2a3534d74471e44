import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { systemNamespace } from '@kosmos/api'
import {
  clusters,
  customResourceDefinitions,
  type KubeObject,
  namespaces,
  type Pod,
  pods,
  resource,
  secrets,
  serviceAccounts,
  unwrap,
} from '@kosmos/kube'
import type { Log } from '@kosmos/kube/process'
import { kubeconfig } from '@kosmos/kube/testing'
import { type Credential, openAuthority } from '@kosmos/testbed'
import { load } from 'js-yaml'
import { eventually, type LiveCluster, startCluster } from '../live.fixture.ts'
import { runTree } from './fixture.ts'

const definition = new URL('../../../../deploy/crds/kosmos.io_clusters.yaml', import.meta.url)
const bindings = resource('rbac.authorization.k8s.io/v1', 'ClusterRoleBinding', 'clusterrolebindings', 'Cluster')
const secret = { namespace: systemNamespace, name: 'of-leaf' }
const account = { namespace: systemNamespace, name: 'kosmos-root' }
const pod = { namespace: 'default', name: 'steady' }

/** One request as the leaf's API server has audited it when it came. */
interface Asked {
  readonly verb: string
  readonly user: { readonly username: string }
  readonly userAgent?: string
  readonly requestURI: string
}

describe('new credentials of a leaf', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'kosmos-renewal-'))
  const auditLog = path.join(folder, 'audit.log')
  const policy = path.join(folder, 'policy.json')
  const stop = new AbortController()
  const logged: { event: string; reason?: unknown }[] = []
  let root: LiveCluster
  let leaf: LiveCluster
  let running: Promise<void>

  const log: Log = (_level, event, fields) => void logged.push({ event, ...fields })
  const times = (event: string) => logged.filter((line) => line.event === event).length
  const asked = (): Asked[] =>
    readFileSync(auditLog, 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Asked)
      // Only of cluster-tree: this test asks as the administrator.
      .filter(({ userAgent }) => userAgent === 'kosmos')
      .filter(({ user }) => user.username !== 'admin')
  const reads = () => asked().filter(({ verb }) => verb === 'list' || verb === 'watch').length
  /** When the last watch of a start is open. */
  const readsAtRest = () =>
    eventually('nothing more is read', async () => {
      const before = reads()
      await sleep(2_000)
      return reads() === before && before
    })

  const withUser = (user: object) => {
    const cluster = { 'certificate-authority-data': Buffer.from(leaf.controlPlane.ca).toString('base64') }
    return kubeconfig({ server: leaf.controlPlane.server, cluster, user })
  }
  /** A token of an account in the leaf, another one each time. */
  const token = async (of: typeof account = account) => {
    const granted = await leaf.client.requestToken(of, {})
    return (unwrap(granted) ?? assert.fail()).status.token
  }
  const nameOf = ({ namespace, name }: typeof account) => `system:serviceaccount:${namespace}:${name}`
  const allow = (name: string, ...subjects: object[]) =>
    leaf.client.create(bindings, {
      metadata: { name },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
      subjects,
    } as KubeObject)
  const certificateOf = ({ certificate, key }: Credential) => ({
    'client-certificate-data': Buffer.from(certificate).toString('base64'),
    'client-key-data': Buffer.from(key).toString('base64'),
  })
  const store = async (text: string) => {
    const data = { kubeconfig: Buffer.from(text).toString('base64') }
    assert((await root.client.patch(secrets, secret, { data }, { type: 'merge' })).ok)
  }
  const says = async (expected: string) =>
    await eventually(`CredentialsValid ${expected}`, async () => {
      const { status } = (await root.client.get(clusters, { name: 'leaf' })) ?? {}
      const said = status?.conditions?.find(({ type }) => type === 'CredentialsValid')
      return said && `${said.status} ${said.reason}` === expected && said.message
    })
  const nodesAreWell = async () => {
    const { status } = (await root.client.get(clusters, { name: 'leaf' })) ?? {}
    return status?.conditions?.find(({ type }) => type === 'Reachable')?.status === 'True'
  }
  const copy = async () => await leaf.client.get(pods, pod)
  /** A change of a root pod that has to reach its copy: by requests with the new login. */
  const reachesTheCopy = async (value: string) => {
    await root.client.patch(pods, pod, { metadata: { annotations: { value } } }, { type: 'merge' })
    await eventually(`the copy has ${value}`, async () => (await copy())?.metadata.annotations?.value === value)
  }
  /** A status of the copy that has to reach the root pod: by a watch that was open before. */
  const reachesTheRoot = async (message: string) => {
    await leaf.client.patch(pods, pod, { status: { message } }, { type: 'merge', subresource: 'status' })
    await eventually(`the root pod says ${message}`, async () => {
      const seen = await root.client.get(pods, pod)
      return seen?.status?.message === message
    })
  }
  const lastLogin = () => asked().findLast(({ verb }) => verb === 'patch')?.user.username

  before(async () => {
    writeFileSync(
      policy,
      JSON.stringify({
        apiVersion: 'audit.k8s.io/v1',
        kind: 'Policy',
        omitStages: ['ResponseStarted', 'ResponseComplete', 'Panic'],
        rules: [{ level: 'Metadata' }],
      }),
    )
    const flags = { 'audit-policy-file': policy, 'audit-log-path': auditLog, 'audit-log-mode': 'blocking' }
    ;[root, leaf] = await Promise.all([startCluster('root'), startCluster('leaf', flags)])
    await root.client.create(customResourceDefinitions, load(readFileSync(definition, 'utf8')) as KubeObject)
    for (const { client } of [root, leaf]) {
      await client.create(namespaces, { metadata: { name: systemNamespace } })
      await eventually('pods may be created', async () => {
        const made = await client.create(serviceAccounts, { metadata: { namespace: 'default', name: 'default' } })
        return made.ok
      })
    }
    await leaf.client.create(serviceAccounts, { metadata: account })
    const certified = { kind: 'User', name: 'certified', apiGroup: 'rbac.authorization.k8s.io' }
    await allow('kosmos-root', { kind: 'ServiceAccount', ...account }, certified)
    await eventually('Clusters are served', async () => {
      const path = '/apis/kosmos.io/v1alpha1/clusters'
      return (await root.client.connection.request({ method: 'GET', path })).code === 200
    })
    const data = { kubeconfig: Buffer.from(withUser({ token: await token() })).toString('base64') }
    unwrap(await root.client.create(secrets, { metadata: secret, data } as KubeObject))
    const spec = { credentialsSecretRef: { name: secret.name }, clusterTreeOptions: { enable: true } }
    unwrap(await root.client.create(clusters, { metadata: { name: 'leaf' }, spec } as KubeObject))
    running = runTree(root, log, stop.signal)
    running.catch(() => {})
    await says('True CredentialsAccepted')
    const containers = [{ name: 'main', image: 'nginx' }]
    const placed = { nodeName: 'kosmos-leaf', tolerations: [{ operator: 'Exists' }] }
    const podSpec = { ...placed, automountServiceAccountToken: false, containers }
    unwrap(await root.client.create(pods, { metadata: pod, spec: podSpec } as KubeObject))
    await eventually('there is a copy', copy)
  })
  after(async () => {
    stop.abort()
    await running
    await Promise.all([root?.end(), leaf?.end()])
    rmSync(folder, { recursive: true })
  })

  it('are used without a list, and without a watch that is opened anew: a token, and a certificate of a user', async () => {
    await reachesTheRoot('before')
    const { uid } = ((await copy()) ?? assert.fail()).metadata as Pod['metadata']
    const before = await readsAtRest()
    assert.ok(before > 10, `${before} watches`)
    const authority = await openAuthority({
      certificate: leaf.controlPlane.ca,
      key: readFileSync(path.join(leaf.controlPlane.dir, 'pki', 'ca.key'), 'utf8'),
    })
    const certificate = async () => certificateOf(await authority.issue({ commonName: 'certified', client: true }))
    const logins = [
      [{ token: await token() }, nameOf(account)],
      [await certificate(), 'certified'],
      [await certificate(), 'certified'],
      [{ token: await token() }, nameOf(account)],
    ] as const
    for (const [number, [user, username]] of logins.entries()) {
      await store(withUser(user))
      await eventually('they are used', () => times('leaf.credentials.taken') === number + 1)
      await reachesTheCopy(`${number}`)
      assert.equal(lastLogin(), username)
      await reachesTheRoot(`after ${number}`)
    }
    assert.equal((await copy())?.metadata.uid, uid)
    assert.equal(reads(), before)
    assert.equal(times('leaf.joined'), 1)
  })

  it('are asked for when half of a token’s life has passed, and used likewise', async (t) => {
    const before = reads()
    const taken = times('leaf.credentials.taken')
    const now = Date.now
    // Of the hour that the token lives.
    t.mock.method(Date, 'now', () => now() + 40 * 60_000)
    await eventually('another token is stored', () => times('leaf.token.renewed') > 0)
    await eventually('it is used', () => times('leaf.credentials.taken') > taken)
    t.mock.restoreAll()
    await reachesTheCopy('renewed')
    assert.equal(reads(), before)
    assert.equal(times('leaf.joined'), 1)
  })

  it('that are bad are called so, and those before them go on; good ones end that', async () => {
    const before = reads()
    const weak = { namespace: systemNamespace, name: 'weak' }
    await leaf.client.create(serviceAccounts, { metadata: weak })
    const [certificate, key] = ['no PEM', 'no PEM'].map((text) => Buffer.from(text).toString('base64'))
    const bad = [
      [withUser({ token: 'nobody-knows-it' }), 'False CredentialsRejected'],
      [withUser({ token: await token(weak) }), 'False PermissionsMissing'],
      [withUser({ 'client-certificate-data': certificate, 'client-key-data': key }), 'False KubeconfigInvalid'],
      [
        withUser({ exec: { apiVersion: 'client.authentication.k8s.io/v1', command: 'false' } }),
        'False KubeconfigNotSelfContained',
      ],
      // Not after the other of that reason, which would do.
      ['password: hunter2\n : [', 'False KubeconfigInvalid'],
    ] as const
    const taken = times('leaf.credentials.taken')
    for (const [number, [text, reason]] of bad.entries()) {
      await store(text)
      assert.match(await says(reason), /those before them are used/)
      assert.equal(await nodesAreWell(), true)
      await reachesTheCopy(`bad ${number}`)
      await reachesTheRoot(`bad ${number}`)
    }
    assert.equal(times('leaf.credentials.taken'), taken)
    assert.doesNotMatch(JSON.stringify(logged), /hunter2|nobody-knows-it/)
    await store(withUser({ token: await token() }))
    await eventually('good ones are used', () => times('leaf.credentials.taken') === taken + 1)
    await says('True CredentialsAccepted')
    assert.equal(reads(), before)
  })

  it('that the leaf knows only later are taken up then', async () => {
    const late = { namespace: systemNamespace, name: 'late' }
    await leaf.client.create(serviceAccounts, { metadata: late })
    const before = reads()
    await store(withUser({ token: await token(late) }))
    await says('False PermissionsMissing')
    await allow('late', { kind: 'ServiceAccount', ...late })
    await says('True CredentialsAccepted')
    await reachesTheCopy('late')
    assert.equal(lastLogin(), nameOf(late))
    assert.equal(reads(), before)
  })
})
