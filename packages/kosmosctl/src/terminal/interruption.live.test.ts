import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { namespaces, nodes, pods, secrets, unwrap } from '@kosmos/kube'
import { clusters, deployments } from '../clusters/resources.ts'
import { install } from '../install/install.ts'
import { join } from '../join/join.ts'
import { changesSince, inventory, startCluster, stopCluster, type TestCluster } from '../live.fixture.ts'
import { unjoin } from '../unjoin/unjoin.ts'
import { silent } from './progress.ts'

const main = fileURLToPath(new URL('../main.ts', import.meta.url))
const node = 'kosmos-paris'

describe('a command that is interrupted', { timeout: 480_000 }, () => {
  let root: TestCluster
  let leaf: TestCluster
  before(async () => {
    ;[root, leaf] = await Promise.all([startCluster('root'), startCluster('leaf')])
  })
  after(async () => {
    await Promise.all([root, leaf].map((cluster) => cluster && stopCluster(cluster)))
  })

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
