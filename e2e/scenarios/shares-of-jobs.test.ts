import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { reportWorkload } from '@kosmos/kosmosctl'
import { type KubeObject, type Pod, pods, resource } from '@kosmos/kube'
import { podSpec } from '../platform/manifests.ts'
import { eventually, type Platform, startPlatform } from '../platform/platform.ts'
import { pauseIsOver, workloadPolicies } from './pauses.ts'
import { policyManifest } from './shares/plan.ts'
import { isGated, type Seen, SeenShares } from './shares/seen.ts'

const namespace = 'default'
const jobs = resource<Job>('batch/v1', 'Job', 'jobs', 'Namespaced')

interface Job extends KubeObject {
  readonly status?: {
    readonly succeeded?: number
    readonly failed?: number
    readonly conditions?: readonly { type: string }[]
  }
}

const shares = {
  allocationPolicy: [
    { name: 'leaf1', weight: 2, max: 4 },
    { name: 'leaf2', weight: 1, max: 3 },
  ],
  allocationType: 'Required',
  allocationMethod: 'Balance',
  allocationScope: 'Workload',
} as const
const COMPLETIONS = 16
const job = {
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { namespace, name: 'batch' },
  spec: {
    parallelism: 6,
    completions: COMPLETIONS,
    backoffLimit: 10,
    // What is taken back is no failure of its own.
    podFailurePolicy: { rules: [{ action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget' }] }] },
    template: { metadata: { labels: { app: 'batch' } }, spec: podSpec({ spec: { restartPolicy: 'Never' } }) },
  },
}

describe('a Job with shares of clusters, several pods at a time', () => {
  let platform: Platform
  let seen: SeenShares
  const stopping = new AbortController()
  const planned: Seen = { name: 'batch', policy: shares }
  const live = () => seen.liveOf(planned)
  const at = (leaf: string) => live().filter((pod) => !isGated(pod) && pod.spec.nodeName === `kosmos-${leaf}`)
  interface Counts {
    readonly leaf1: number
    readonly leaf2: number
    readonly waiting: number
    /** Without those, counts of before they ended would do. */
    readonly ended: number
  }
  const counts = (): Counts => ({
    leaf1: at('leaf1').length,
    leaf2: at('leaf2').length,
    waiting: live().filter(isGated).length,
    ended: seen.endedOf(planned).length,
  })
  const settles = async (wanted: Counts) =>
    await eventually(JSON.stringify(wanted), () => {
      assert.deepEqual(counts(), wanted)
      return true
    })
  const statusOf = async () => (await platform.root.get(jobs, { namespace, name: 'batch' }))?.status ?? {}
  /** As its containers would, which no node of these leaves runs. */
  const ends = async ({ metadata, spec }: Pod, phase: 'Succeeded' | 'Failed') => {
    const leaf = platform.leaves[Number(spec.nodeName?.at(-1)) - 1]
    await leaf?.patch(pods, metadata, { status: { phase } }, { type: 'merge', subresource: 'status' })
  }
  const running = async (leaf: string, count: number) =>
    await eventually(`${count} run in ${leaf}`, () => {
      const found = at(leaf).filter(({ status }) => status?.phase === 'Running')
      return found.length >= count && found.slice(0, count)
    })
  const breakLeaf1 = async (taint: string) => {
    const [leaf] = platform.testbed.leaves
    assert(leaf)
    const { code, stderr } = await platform.kubectlIn(leaf, ['taint', 'nodes', '--all', taint])
    assert.equal(code, 0, stderr)
  }

  before(async () => {
    platform = await startPlatform('shares-of-jobs', { leaves: 2, nodes: 'kwok:2', scheduler: true })
    seen = new SeenShares(platform.root, namespace, [planned])
    void seen.run(stopping.signal)
    await seen.synced
    const policy = { ...shares, whenUnavailable: 'Spill' } as const
    await platform.apply(policyManifest({ name: 'batch', kind: 'Job', policy }, namespace))
    await platform.apply(job)
  })
  after(async () => {
    stopping.abort()
    await platform?.down()
  })

  it('has them while pods end, well or not, and others take their places: those that have ended count no more', async () => {
    await settles({ leaf1: 4, leaf2: 2, waiting: 0, ended: 0 })
    for (const pod of await running('leaf1', 2)) await ends(pod, 'Succeeded')
    const [failing] = await running('leaf2', 1)
    assert(failing)
    await ends(failing, 'Failed')
    await settles({ leaf1: 4, leaf2: 2, waiting: 0, ended: 3 })
    await eventually('the Job counts them', async () => {
      const { succeeded, failed } = await statusOf()
      return succeeded === 2 && failed === 1
    })
    assert.equal((await platform.root.listAll(pods, { namespace })).length, 9)
    await eventually('the policy counts those that live', async () => {
      const found = await platform.root.get(workloadPolicies, { namespace, name: 'batch' })
      return `${found?.status?.allocations?.map(({ assigned }) => assigned)}` === '4,2'
    })
    const { pods: counted, shares } = await reportWorkload(platform.root, { namespace, name: 'job/batch' })
    assert.deepEqual([counted, shares.map(({ assigned }) => assigned)], [6, [4, 2]])
  })

  it('goes on in the other up to its maximum when one takes no pods any more, and the rest waits', async () => {
    await breakLeaf1('disk=broken:NoSchedule')
    for (const pod of await running('leaf1', 3)) await ends(pod, 'Succeeded')
    await settles({ leaf1: 1, leaf2: 3, waiting: 2, ended: 6 })
    for (const pod of await running('leaf2', 3)) await ends(pod, 'Succeeded')
    const resting = { leaf1: 1, leaf2: 3, waiting: 2, ended: 9 }
    await settles(resting)
    // After its pause the first is asked again, by a pod that another takes the place of.
    await eventually('it is told so between two tries', async () => {
      const { refusals, waiting } = await reportWorkload(platform.root, { namespace, name: 'batch' })
      assert.match(refusals.join(), /^kosmos-leaf1 until .*untolerated taint/)
      assert.equal(
        waiting.reduce((sum, { pods }) => sum + pods, 0),
        2,
      )
      assert.deepEqual(counts(), resting)
      const { succeeded, failed } = await statusOf()
      assert.deepEqual([succeeded, failed], [8, 1])
      return true
    })
  })

  it('has its places back when that takes pods again, and ends; never was one above its maximum', async () => {
    await breakLeaf1('disk-')
    await pauseIsOver(platform.root, { namespace, name: 'batch' })
    await settles({ leaf1: 3, leaf2: 3, waiting: 0, ended: 9 })
    await eventually('it is complete', async () => {
      for (const pod of live()) if (pod.status?.phase === 'Running') await ends(pod, 'Succeeded')
      return (await statusOf()).conditions?.some(({ type }) => type === 'Complete')
    })
    assert.equal((await statusOf()).succeeded, COMPLETIONS)
    assert.deepEqual(seen.faults, [])
    assert(seen.events > COMPLETIONS)
  })
})
