import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type Node, nodes, type Pod, pods, resource } from '@kosmos/kube'
import { deployment, pod, podSpec } from '../platform/manifests.ts'
import { eventually, type Platform, startPlatform } from '../platform/platform.ts'
import { setTreeOptions } from '../platform/tree-options.ts'

const namespace = 'default'
const jobs = resource('batch/v1', 'Job', 'jobs', 'Namespaced')

/** Pods give a lost node up after a second, not after five minutes. */
const impatient = {
  tolerations: [
    ...podSpec().tolerations,
    ...['unreachable', 'not-ready'].map((state) => ({
      key: `node.kubernetes.io/${state}`,
      operator: 'Exists',
      effect: 'NoExecute',
      tolerationSeconds: 1,
    })),
  ],
}
const labelled = (app: string, spec: object = {}) => ({
  metadata: { labels: { app } },
  spec: podSpec({ cluster: 'leaf1', spec: { ...impatient, ...spec } }),
})

/**
 * Five nodes in each leaf, of which three of the first and one of the second die at the same time, since Kubernetes takes minutes
 * over each; nobody does anything about it in the root. The second has a virtual node for each of two.
 */
describe('a leaf that loses a node', () => {
  let platform: Platform
  const leaf = (n: 1 | 2 = 1) => platform.leaves[n - 1] ?? assert.fail()

  before(async () => {
    platform = await startPlatform('leaf-node-loss', { leaves: 2, nodes: 'kwok:5' })
    // By default it waits twice as long for a node that is silent, and simulated ones are heard of every ten seconds, not every three.
    const impatiently = (argv: readonly string[]) => [...argv, '--node-monitor-grace-period=25s']
    const oftener = (argv: readonly string[]) => [...argv, '--node-lease-duration-seconds=12']
    const { leaves } = platform.testbed
    await Promise.all(leaves.map((one) => one.restart('kwok', oftener)))
    await Promise.all(leaves.map((one) => one.restart('kube-controller-manager', impatiently)))
  })
  after(() => platform?.down())

  const ofApp = (app: string) => platform.root.listAll(pods, { namespace, labelSelector: `app=${app}` })
  const isRunning = ({ status, metadata }: Pod) =>
    status?.phase === 'Running' && metadata.deletionTimestamp === undefined
  const copyOf = (name: string, n?: 1 | 2) => leaf(n).get(pods, { namespace, name })
  const disruptionOf = ({ status }: Pod) =>
    status?.conditions?.find(({ type, status }) => type === 'DisruptionTarget' && status === 'True')
  const inRoot = (name: string) => platform.root.get(pods, { namespace, name })

  /** One that runs, on this node of its leaf. */
  const runningOn = (app: string, nodeName: string | undefined, not: readonly Pod[] = [], n?: 1 | 2) =>
    eventually(`${app} runs on ${nodeName ?? 'some node'}`, async () => {
      const found = (await ofApp(app)).find(
        (one) => isRunning(one) && not.every(({ metadata }) => metadata.uid !== one.metadata.uid),
      )
      const at = found && (await copyOf(found.metadata.name, n))?.spec.nodeName
      return found && (nodeName === undefined || at === nodeName) && found
    })
  const cordon = (name: string, unschedulable: boolean) =>
    leaf().patch(nodes, { name }, { spec: { unschedulable } }, { type: 'merge' })
  /** Its kubelet is never heard of again. */
  const silence = (name: string, n?: 1 | 2) =>
    leaf(n).patch(nodes, { name }, { metadata: { labels: { type: null } } }, { type: 'merge' })
  const isReady = (object: Pod | Node | undefined) =>
    object?.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false
  const told = async (reason: string) =>
    (await platform.kubectl(['get', 'events', `--field-selector=reason=${reason}`])).stdout

  const others = ['kwok-1', 'kwok-2', 'kwok-3', 'kwok-4']
  const spared = others.filter((name) => name !== 'kwok-2')

  let web: Pod
  let db: Pod
  let batch: Pod
  let held: Pod

  it('is ready for it', async () => {
    await Promise.all(others.map((name) => cordon(name, true)))
    const statefulSet = {
      apiVersion: 'apps/v1',
      kind: 'StatefulSet',
      metadata: { name: 'db', namespace },
      spec: { replicas: 1, serviceName: 'db', selector: { matchLabels: { app: 'db' } }, template: labelled('db') },
    }
    const job = {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { name: 'batch', namespace },
      spec: {
        backoffLimit: 0,
        podFailurePolicy: {
          rules: [{ action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] }],
        },
        template: labelled('batch', { restartPolicy: 'Never' }),
      },
    }
    await platform.apply(deployment('web', 1, { cluster: 'leaf1', spec: impatient }), statefulSet, job)
    web = await runningOn('web', 'kwok-0')
    db = await runningOn('db', 'kwok-0')
    batch = await runningOn('batch', 'kwok-0')
    await Promise.all([cordon('kwok-0', true), cordon('kwok-2', false)])
    await platform.apply(pod('patient', { cluster: 'leaf1', spec: { tolerations: [{ operator: 'Exists' }] } }))
    await runningOn('patient', 'kwok-2')
    await Promise.all(['kwok-0', ...spared].map((name) => cordon(name, false)))
  })

  it('is ready for it where a virtual node is one leaf node, and a pod is held through the loss of its leaf', async () => {
    const one = (nodeName: string) => ({ nodeSelector: { nodeName } })
    await setTreeOptions(platform.root, 'leaf2', { onLeafLoss: 'Hold', leafModels: [one('kwok-3'), one('kwok-4')] })
    await eventually('both are there', async () => {
      const all = await platform.root.listAll(nodes, { labelSelector: 'kosmos.io/cluster=leaf2' })
      return ['kwok-3', 'kwok-4'].every((name) => isReady(all.find(({ metadata }) => metadata.name === name)))
    })
    await platform.kubectl(['cordon', 'kwok-4'])
    await platform.apply(deployment('held', 1, { cluster: 'leaf2', spec: impatient }))
    held = await runningOn('held', 'kwok-3', [], 2)
    await eventually('it is held', async () => {
      const { spec } = (await inRoot(held.metadata.name)) ?? assert.fail()
      return spec.tolerations?.every(({ tolerationSeconds }) => tolerationSeconds === undefined)
    })
    await platform.kubectl(['uncordon', 'kwok-4'])
  })

  it('has pods there that no Service sends anything to', async () => {
    await Promise.all([silence('kwok-0'), silence('kwok-2'), silence('kwok-3', 2)])
    await leaf().delete(nodes, { name: 'kwok-2' })
    await eventually('it is not Ready', async () => !isReady(await inRoot(web.metadata.name)))
  })

  it('has a pod of a Deployment replaced on a healthy node while nobody knows how the lost one ended', async () => {
    const next = await runningOn('web', undefined, [web])
    assert.notEqual((await copyOf(next.metadata.name))?.spec.nodeName, 'kwok-0')
    const lost = (await inRoot(web.metadata.name)) ?? assert.fail('and it is still shown')
    assert.equal(disruptionOf(lost)?.reason, 'DeletionByTaintManager')
    assert.notEqual(lost.metadata.deletionTimestamp, undefined)
    const said = new RegExp(`pod/${web.metadata.name}`)
    await eventually('an Event says so', async () => said.test(await told('StuckInLeaf')))
  })

  it('has no second pod of a StatefulSet meanwhile', async () => {
    await eventually('it is to end', async () => (await inRoot('db-0'))?.metadata.deletionTimestamp)
    assert.equal((await inRoot('db-0'))?.metadata.uid, db.metadata.uid)
  })

  it('has all of them gone and replaced when its Node is deleted', async () => {
    await leaf().delete(nodes, { name: 'kwok-0' })
    const next = await runningOn('db', undefined, [db])
    assert.notEqual((await copyOf(next.metadata.name))?.spec.nodeName, 'kwok-0')
    await eventually('the lost ones are gone', async () => {
      const [w, b] = await Promise.all([inRoot(web.metadata.name), inRoot(batch.metadata.name)])
      return !w && b?.metadata.uid !== batch.metadata.uid
    })
  })

  it('costs a Job whose podFailurePolicy ignores it no attempt', async () => {
    await runningOn('batch', undefined, [batch])
    const job = (await platform.root.get(jobs, { namespace, name: 'batch' })) as { status?: { failed?: number } }
    assert.equal(job.status?.failed ?? 0, 0)
  })

  it('has the pods failed of a node that is deleted before anybody evicts them', async () => {
    const failed = await eventually('it has failed', async () => {
      const seen = await inRoot('patient')
      return seen?.status?.phase === 'Failed' && seen
    })
    assert.equal(disruptionOf(failed)?.reason, 'DeletionByPodGC')
    assert.equal(await copyOf('patient'), undefined, 'and is not made again')
  })

  it('loses a virtual node, and the pods with it, where each is one leaf node, also when they are held through the loss of the leaf', async () => {
    await eventually(
      'its virtual node is not Ready',
      async () => !isReady(await platform.root.get(nodes, { name: 'kwok-3' })),
    )
    await runningOn('held', 'kwok-4', [held], 2)
  })
})
