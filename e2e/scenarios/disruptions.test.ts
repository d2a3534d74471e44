import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { rootUidAnnotation } from '@kosmos/api'
import { nodes, type Pod, pods, resource } from '@kosmos/kube'
import { deployment, pod, podSpec } from '../platform/manifests.ts'
import { eventually, type Platform, startPlatform } from '../platform/platform.ts'
import { setTreeOptions } from '../platform/tree-options.ts'

const namespace = 'default'
const jobs = resource('batch/v1', 'Job', 'jobs', 'Namespaced')

type JobStatus = { readonly conditions?: readonly { readonly type: string; readonly reason?: string }[] }

/** Two nodes in the leaf; nobody in the root asks for any of this. */
describe('what befalls pods in a leaf', () => {
  let platform: Platform
  const leaf = () => platform.leaves[0] ?? assert.fail()
  const inLeaf = (args: readonly string[], input?: object) =>
    platform.kubectlIn(platform.testbed.leaves[0] ?? assert.fail(), args, JSON.stringify(input))

  before(async () => {
    platform = await startPlatform('disruptions', { leaves: 1, nodes: 'kwok:2' })
  })
  after(() => platform?.down())

  const ofApp = (app: string) => platform.root.listAll(pods, { namespace, labelSelector: `app=${app}` })
  const isRunning = ({ status }: Pod) => status?.phase === 'Running'
  const running = (app: string, count: number) =>
    eventually(`${count} of ${app} run`, async () => {
      const all = (await ofApp(app)).filter(isRunning)
      return all.length === count && all
    })
  const copyOf = async ({ metadata: { name } }: Pod) =>
    (await leaf().get(pods, { namespace, name })) ?? assert.fail(`${name} has no copy`)
  const only = ([first]: readonly Pod[]) => first ?? assert.fail()
  const disruptionOf = ({ status }: Pod) =>
    status?.conditions?.find(({ type, status }) => type === 'DisruptionTarget' && status === 'True')

  async function evictInLeaf({ metadata: { name } }: Pod): Promise<void> {
    const { ok } = await leaf().evict({ namespace, name })
    assert(ok)
  }

  /** It has failed for that reason, nothing of it runs in the leaf, and another is in its place. */
  async function failedAndReplaced(before: Pod, reason: string): Promise<void> {
    const { name, uid, labels } = before.metadata
    const failed = await eventually(`${name} has failed`, async () => {
      const seen = await platform.root.get(pods, { namespace, name })
      return seen?.status?.phase === 'Failed' && seen
    })
    assert.equal(failed.metadata.uid, uid)
    assert.equal(disruptionOf(failed)?.reason, reason)
    await eventually('another is there', async () => {
      return (await ofApp(labels?.app ?? '')).some(
        (one) => one.metadata.uid !== uid && one.status?.phase !== 'Failed' && one.metadata.name !== name,
      )
    })
    await eventually('its copy is gone, and is not made again', async () => {
      const copies = await leaf().listAll(pods, { namespace })
      return !copies.some(({ metadata }) => metadata.annotations?.[rootUidAnnotation] === uid)
    })
  }

  it('is for a Deployment of the root to make good when a node is drained', async () => {
    await platform.apply(deployment('web', 1))
    const before = only(await running('web', 1))
    const { nodeName = '' } = (await copyOf(before)).spec
    const drained = await inLeaf(['drain', nodeName, '--force', '--delete-emptydir-data', '--timeout=240s'])
    assert.equal(drained.code, 0, drained.stderr)
    await failedAndReplaced(before, 'EvictionByEvictionAPI')
    assert.notEqual((await copyOf(only(await running('web', 1)))).spec.nodeName, nodeName)
    await inLeaf(['uncordon', nodeName])
  })

  it('is not that a node of the leaf is closed: its pods run on, and take nothing of what the other has', async () => {
    const large = { container: { resources: { requests: { cpu: '40' } } } }
    await platform.apply(pod('stays', large))
    const { nodeName = '' } = (await copyOf(only(await running('stays', 1)))).spec
    await inLeaf(['cordon', nodeName])
    await eventually('there are those of the open one, and what the pod takes of the other', async () => {
      const node = await platform.root.get(nodes, { name: 'kosmos-leaf1' })
      return node?.status?.allocatable?.cpu === '104'
    })
    await platform.apply(pod('comes', large))
    assert.notEqual((await copyOf(only(await running('comes', 1)))).spec.nodeName, nodeName)
    await platform.kubectl(['delete', 'pod', 'stays', 'comes', '--wait=false'])
    await inLeaf(['uncordon', nodeName])
  })

  it('is the same when pods are driven off a node by a taint, as off one that is lost', async () => {
    const before = only(await running('web', 1))
    const { nodeName = '' } = (await copyOf(before)).spec
    await inLeaf(['taint', 'node', nodeName, 'example.com/out=yes:NoExecute'])
    await failedAndReplaced(before, 'DeletionByTaintManager')
    await running('web', 1)
    await inLeaf(['taint', 'node', nodeName, 'example.com/out-'])
  })

  it('is the same when they give way to what is more urgent there, and they wait for room again', async () => {
    const half = { container: { resources: { requests: { cpu: '40' } } } }
    await platform.apply(deployment('low', 2, half))
    const before = await running('low', 2)
    const scheduling = { apiVersion: 'scheduling.k8s.io/v1', kind: 'PriorityClass' }
    await inLeaf(['apply', '-f', '-'], { ...scheduling, metadata: { name: 'urgent' }, value: 1000 })
    const urgent = pod('urgent', { ...half, spec: { priorityClassName: 'urgent' } })
    assert.equal((await inLeaf(['apply', '-f', '-'], urgent)).code, 0)
    const victim = await eventually('one of them is told to go', async () => {
      return (await ofApp('low')).find((one) => disruptionOf(one) !== undefined)
    })
    assert(before.some(({ metadata }) => metadata.uid === victim.metadata.uid))
    await failedAndReplaced(victim, 'PreemptionByScheduler')
    await eventually('the one in its place says what it waits for', async () =>
      (await ofApp('low')).some(({ status }) => /Insufficient cpu/.test(status?.message ?? '')),
    )
    await inLeaf(['delete', 'pod', 'urgent', '--wait=false'])
    await running('low', 2)
    await platform.kubectl(['delete', 'deployment', 'low'])
  })

  it('is what the podFailurePolicy of a Job says', async () => {
    const job = (name: string, action: 'Ignore' | 'FailJob') => ({
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { name, namespace },
      spec: {
        backoffLimit: 0,
        podFailurePolicy: { rules: [{ action, onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] }] },
        template: { metadata: { labels: { app: name } }, spec: podSpec({ spec: { restartPolicy: 'Never' } }) },
      },
    })
    await platform.apply(job('patient', 'Ignore'), job('touchy', 'FailJob'))
    const [patient, touchy] = [only(await running('patient', 1)), only(await running('touchy', 1))]
    await Promise.all([evictInLeaf(patient), evictInLeaf(touchy)])
    const conditions = async (name: string) =>
      ((await platform.root.get(jobs, { namespace, name })) as { status?: JobStatus } | undefined)?.status
        ?.conditions ?? []
    await eventually('one Job has failed by its policy', async () =>
      (await conditions('touchy')).some(({ type, reason }) => type === 'Failed' && reason === 'PodFailurePolicy'),
    )
    const next = await eventually('the other goes on', async () =>
      (await ofApp('patient')).find((one) => one.metadata.uid !== patient.metadata.uid && isRunning(one)),
    )
    assert.notEqual(next.metadata.name, patient.metadata.name)
    assert(!(await conditions('patient')).some(({ type }) => type === 'Failed' || type === 'FailureTarget'))
  })

  it('is a restart where the Cluster says Recreate', async () => {
    await setTreeOptions(platform.root, 'leaf1', { leafDisruption: 'Recreate' })
    await platform.apply(pod('kept'))
    const before = only(await running('kept', 1))
    const uid = (await copyOf(before)).metadata.uid
    await evictInLeaf(before)
    const again = await eventually('it runs again', async () => {
      const [seen] = await ofApp('kept')
      const [container] = seen?.status?.containerStatuses ?? []
      // The restart is counted when the copy is told to go; its phase stays as it is until there is another.
      return seen && container?.restartCount === 1 && container.state?.running && seen
    })
    assert.equal(again.metadata.uid, before.metadata.uid)
    assert.notEqual((await copyOf(again)).metadata.uid, uid)
    await eventually('an Event says so', async () => {
      const { stdout } = await platform.kubectl(['get', 'events', '--field-selector=reason=RecreatedInLeaf'])
      return /pod\/kept/.test(stdout)
    })
  })
})
