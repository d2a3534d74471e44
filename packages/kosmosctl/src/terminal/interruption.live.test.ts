import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { sign } from 'node:crypto'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import {
  type KubeObject,
  namespaces,
  nodes,
  persistentVolumeClaims,
  pods,
  resource,
  secrets,
  serviceAccounts,
  unwrap,
} from '@kosmos/kube'
import { clusterId } from '../clusters/identity.ts'
import { givenUpAnnotation, leafAccountName } from '../clusters/names.ts'
import { clusterRoleBindings, clusters, deployments } from '../clusters/resources.ts'
import { install } from '../install/install.ts'
import { join } from '../join/join.ts'
import { changesSince, eventually, inventory, liveClusters, rightsAreKnown, type TestCluster } from '../live.fixture.ts'
import { noteGivenUp } from '../unjoin/given-up.ts'
import { kubeconfigOf } from '../unjoin/joined.ts'
import { planUnjoin } from '../unjoin/plan.ts'
import { unjoin } from '../unjoin/unjoin.ts'
import { silent } from './progress.ts'

const main = fileURLToPath(new URL('../main.ts', import.meta.url))
const node = 'kosmos-paris'

describe('a command that is interrupted', { timeout: 480_000 }, () => {
  const { root, leaf } = liveClusters(['root', 'leaf'])

  /** Runs it until it has said something, as if somebody typed Ctrl-C then; what it said by its end, and its exit code. */
  async function interrupted(said: RegExp, ...args: string[]): Promise<{ code: unknown; stderr: string }> {
    const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'ignore', 'pipe'] })
    let stderr = ''
    let isInterrupted = false
    child.stderr.on('data', (chunk) => {
      stderr += chunk
      if (isInterrupted || !said.test(stderr)) return
      isInterrupted = true
      child.kill('SIGINT')
    })
    const code = await new Promise((resolve) => child.once('close', resolve))
    return { code, stderr }
  }

  it('says of an install what is missing, and the next one goes on', async () => {
    const args = ['install', '--no-wait', '--kubeconfig', root.source.file]
    const { code, stderr } = await interrupted(/installing the controllers/, ...args)
    assert.equal(code, 130, stderr)
    assert.match(
      stderr,
      /error: interrupted while installing the controllers: what has been applied .*\nnext: {2}kosmosctl install goes on/,
    )
    await install({ root: root.source, timeoutSeconds: 0 }, silent)
    assert.ok((await root.client.listAll(deployments, { namespace: 'kosmos-system' })).length >= 2)
  })

  it('says of an unjoin in the middle of its drain what is left, and the next one goes on', async () => {
    const before = await inventory(root.client)
    await join({ name: 'paris', root: root.source, leaf: leaf.source, timeoutSeconds: 0 }, silent)
    const labels = { 'kosmos.io/node': 'true', 'kosmos.io/cluster': 'paris' }
    unwrap(await root.client.create(nodes, { metadata: { name: node, labels } }))
    unwrap(await root.client.create(namespaces, { metadata: { name: 'app' } }))
    const ref = { namespace: 'app', name: 'stays' }
    const spec = { nodeName: node, automountServiceAccountToken: false, containers: [{ name: 'c', image: 'i' }] }
    // Nothing ends the pod: the drain waits for it.
    unwrap(await root.client.create(pods, { metadata: { ...ref, finalizers: ['test.example/kept'] }, ...{ spec } }))

    const args = ['unjoin', 'paris', '--kubeconfig', root.source.file]
    const { code, stderr } = await interrupted(/1 pod left/, ...args)
    assert.equal(code, 130, stderr)
    assert.match(stderr, /interrupted while draining: Cluster "paris" is joined still; its virtual nodes are cordoned/)
    assert.match(stderr, /next: {2}kosmosctl unjoin paris goes on .*kubectl uncordon -l kosmos.io\/cluster=paris\n$/)
    assert.equal((await root.client.get(nodes, { name: node }))?.spec?.unschedulable, true)
    assert.ok(await root.client.get(clusters, { name: 'paris' }))

    unwrap(await root.client.patch(pods, ref, { metadata: { finalizers: null } }, { type: 'merge' }))
    await root.client.delete(pods, ref, { gracePeriodSeconds: 0 })
    const { remains } = await unjoin({ name: 'paris', root: root.source }, silent)
    assert.deepEqual(remains, [])
    await root.client.delete(nodes, { name: node })
    assert.deepEqual((await changesSince(before, root.client)).added, ['Namespace /app'])
  })

  it('is finished by the next unjoin when it was killed with the account in the leaf gone, and the Secret in the root not', async () => {
    const admission = 'admissionregistration.k8s.io/v1'
    const policies = resource(admission, 'ValidatingAdmissionPolicy', 'validatingadmissionpolicies', 'Cluster')
    const bindings = resource(
      admission,
      'ValidatingAdmissionPolicyBinding',
      'validatingadmissionpolicybindings',
      'Cluster',
    )
    const metadata = { name: 'secrets-stay' }
    const kept = { namespace: 'kosmos-system', name: 'cluster-oslo' }
    const rule = { apiGroups: [''], apiVersions: ['v1'], resources: ['secrets'], operations: ['DELETE'] }
    const expression = `request.name != '${kept.name}'`
    const spec = { matchConstraints: { resourceRules: [rule] }, validations: [{ expression }] }
    const binding = { policyName: metadata.name, validationActions: ['Deny'] }
    const account = leafAccountName(await clusterId(root.client))
    const before = await Promise.all([root, leaf].map(({ client }) => inventory(client)))

    await join({ name: 'oslo', root: root.source, leaf: leaf.source, timeoutSeconds: 0 }, silent)
    // What unjoin had to leave there.
    const claim = {
      namespace: 'default',
      name: 'data',
      labels: { 'kosmos.io/root-cluster': await clusterId(root.client) },
    }
    const claimSpec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Mi' } } }
    unwrap(await leaf.client.create(persistentVolumeClaims, { metadata: claim, spec: claimSpec } as KubeObject))
    unwrap(await root.client.create(policies, { metadata, spec } as KubeObject))
    unwrap(await root.client.create(bindings, { metadata, spec: binding } as KubeObject))
    const dryRun = { kind: 'DeleteOptions', apiVersion: 'v1', dryRun: ['All'] }
    const path = `/api/v1/namespaces/${kept.namespace}/secrets/${kept.name}`
    const isHeld = async () =>
      (await root.client.connection.request({ method: 'DELETE', path, body: dryRun })).code === 422
    await eventually(isHeld, 'the policy holds')

    const child = spawn(process.execPath, [main, 'unjoin', 'oslo', '--kubeconfig', root.source.file], {
      stdio: 'ignore',
    })
    const ended = new Promise((resolve) => child.once('close', resolve))
    const accountIsGone = async () => (await leaf.client.get(clusterRoleBindings, { name: account })) === undefined
    await eventually(accountIsGone, 'the account is gone')
    child.kill('SIGKILL')
    await ended
    await root.client.delete(policies, metadata)
    await root.client.delete(bindings, metadata)
    assert.ok(await root.client.get(secrets, kept))
    const isLetGo = async () => !(await isHeld())
    await eventually(isLetGo, 'the policy is gone')

    const options = { name: 'oslo', root: root.source }
    const plan = await planUnjoin(options, silent)
    assert.deepEqual([plan.root, plan.leaf], [['Secret kosmos-system/cluster-oslo'], []])
    const { remains } = await unjoin(options, silent)
    assert.equal(await root.client.get(secrets, kept), undefined)
    assert.deepEqual(
      remains.map(({ what }) => what),
      ['namespaces, claims or kinds that others use or that have data: 1'],
    )
    await leaf.client.patch(persistentVolumeClaims, claim, { metadata: { finalizers: null } }, { type: 'merge' })
    await leaf.client.delete(persistentVolumeClaims, claim)
    const isAsBefore = async () =>
      (await Promise.all([root, leaf].map(({ client }, i) => changesSince(before[i] ?? [], client)))).every(
        ({ added }) => added.length === 0,
      )
    await eventually(isAsBefore, 'nothing of it is left on either side')
  })

  it('is not taken for finished while the account is in the leaf, though it may do nothing there', async () => {
    await join({ name: 'oslo', root: root.source, leaf: leaf.source, timeoutSeconds: 0 }, silent)
    const ref = { namespace: 'kosmos-system', name: 'cluster-oslo' }
    await noteGivenUp(root.client, 'oslo', (await root.client.get(secrets, ref)) ?? assert.fail(), [])
    await root.client.delete(clusters, { name: 'oslo' })
    const account = leafAccountName(await clusterId(root.client))
    await leaf.client.delete(clusterRoleBindings, { name: account }, { propagationPolicy: 'Orphan' })
    const options = { name: 'oslo', root: root.source }
    const inNamespace = { namespace: ref.namespace, name: account }
    await rightsAreKnown(leaf.client, inNamespace, { verb: 'get', resource: 'namespaces' }, false)
    await assert.rejects(unjoin({ ...options, timeoutSeconds: 3 }, silent), /cannot be asked .*is forbidden/)
    assert.ok(await root.client.get(secrets, ref), 'by it the account can still be found')
    assert.ok(await leaf.client.get(serviceAccounts, inNamespace))
    await unjoin({ ...options, leaf: leaf.source }, silent)
    assert.equal(await root.client.get(secrets, ref), undefined)
  })

  it('is not taken for finished while the account is in the leaf, though the token of it has ended', async () => {
    await join({ name: 'oslo', root: root.source, leaf: leaf.source, timeoutSeconds: 0 }, silent)
    const ref = { namespace: 'kosmos-system', name: 'cluster-oslo' }
    const secret = (await root.client.get(secrets, ref)) ?? assert.fail()
    const kubeconfig = kubeconfigOf(secret).replace(/(?<=token: )\S+/, (token) => endedToken(token, signingKeyOf(leaf)))
    const data = { kubeconfig: Buffer.from(kubeconfig).toString('base64') }
    await noteGivenUp(root.client, 'oslo', { ...secret, data }, [])
    await root.client.delete(clusters, { name: 'oslo' })
    const options = { name: 'oslo', root: root.source }
    await assert.rejects(unjoin(options, silent), /cannot be asked .*: .*the token .* ended at \d{4}-/)
    assert.ok(await root.client.get(secrets, ref), 'by it the account can still be found')
    const account = { namespace: ref.namespace, name: leafAccountName(await clusterId(root.client)) }
    assert.ok(await leaf.client.get(serviceAccounts, account))
    await unjoin({ ...options, leaf: leaf.source }, silent)
    assert.equal(await root.client.get(secrets, ref), undefined)
    assert.equal(await leaf.client.get(serviceAccounts, account), undefined)
  })

  it('forgets that an account was given up once the leaf is joined again', async () => {
    const join1 = () => join({ name: 'oslo', root: root.source, leaf: leaf.source, timeoutSeconds: 0 }, silent)
    const ref = { namespace: 'kosmos-system', name: 'cluster-oslo' }
    await join1()
    const secret = (await root.client.get(secrets, ref)) ?? assert.fail()
    await noteGivenUp(root.client, 'oslo', secret, [])
    const note = async () => (await root.client.get(secrets, ref))?.metadata.annotations?.[givenUpAnnotation]
    assert.equal(await note(), '0')
    await join1()
    assert.equal(await note(), undefined)
    await unjoin({ name: 'oslo', root: root.source }, silent)
  })

  it('says of a join what is kept, and unjoin gives it up', async () => {
    const args = ['join', 'rome', '--kubeconfig', leaf.source.file, '--root-kubeconfig', root.source.file, '--no-wait']
    const { code, stderr } = await interrupted(/creating an account/, ...args)
    assert.equal(code, 130, stderr)
    assert.match(stderr, /interrupted while creating an account .*: the name "rome" is kept for this leaf/)
    await unjoin({ name: 'rome', root: root.source, leaf: leaf.source }, silent)
    const kept = await root.client.get(secrets, { namespace: 'kosmos-system', name: 'cluster-rome' })
    assert.equal(kept, undefined)
  })
})

/** The same token, as it would be if it had ended an hour ago. */
function endedToken(token: string, key: string): string {
  const [header = '', payload = ''] = token.split('.')
  const now = Math.floor(Date.now() / 1000)
  const claims = { ...JSON.parse(Buffer.from(payload, 'base64url').toString()), iat: now - 7_200, exp: now - 3_600 }
  const signed = `${header}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}`
  return `${signed}.${sign('sha256', Buffer.from(signed), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`
}

function signingKeyOf({ plane }: TestCluster): string {
  return readFileSync(path.join(path.dirname(plane.kubeconfig), 'service-accounts.key'), 'utf8')
}
