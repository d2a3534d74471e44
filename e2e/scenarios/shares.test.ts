import assert from 'node:assert/strict'
import { after, afterEach, before, describe, it } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { explainPod, reportWorkload, simulateWorkload } from '@kosmos/kosmosctl'
import { nodes, type Pod, pods, resource } from '@kosmos/kube'
import { replicateKubeScheduler } from '../platform/kube-schedulers.ts'
import { deployment, pod } from '../platform/manifests.ts'
import { eventually, type Platform, startPlatform } from '../platform/platform.ts'
import { randomFrom } from '../platform/random.ts'
import { foreseeAndDo } from './shares/foreseen.ts'
import { storm } from './shares/storm.ts'

const workloadPolicies = resource('kosmos.io/v1alpha1', 'WorkloadPolicy', 'workloadpolicies', 'Namespaced')
const gate = 'kosmos.io/placement'

const policy = (name: string, spec: object) => ({
  apiVersion: 'kosmos.io/v1alpha1',
  kind: 'WorkloadPolicy',
  metadata: { namespace: 'default', name },
  spec: { topologyKey: 'kosmos.io/cluster', ...spec },
})
const ofDeployment = (name: string) => ({ workload: { kind: 'Deployment', name } })

/** Pods that are created at once while the scheduler is killed; scenarios/shares-storm.test.ts is for many. */
const COUNT = 120
const seed = Number(process.env.KOSMOS_SEED ?? Date.now() % 1_000_000)

describe('a Deployment with shares of clusters', () => {
  let platform: Platform
  const kubectl = async (...args: string[]) => {
    const { code, stdout, stderr } = await platform.kubectl(args)
    assert.equal(code, 0, stderr)
    return stdout.trim()
  }
  const podsOf = async (app: string) =>
    (await platform.root.listAll(pods, { namespace: 'default', labelSelector: `app=${app}` })).filter(
      ({ metadata }) => metadata.deletionTimestamp === undefined,
    )
  const isGated = ({ spec }: Pod) => spec.schedulingGates?.some(({ name }) => name === gate) ?? false
  /** Pods by leaf; gated ones under `waiting`. */
  const counts = async (app: string) => {
    const all: Record<string, number> = {}
    for (const one of await podsOf(app)) {
      const where = isGated(one) ? 'waiting' : (one.spec.nodeName ?? 'pending').replace('kosmos-', '')
      all[where] = (all[where] ?? 0) + 1
    }
    return all
  }
  const settles = async (app: string, wanted: Record<string, number>) => {
    const sorted = (all: Record<string, number>) => JSON.stringify(Object.entries(all).sort())
    try {
      await eventually('it is as the policy says', async () => sorted(await counts(app)) === sorted(wanted))
    } catch {
      assert.deepEqual(await counts(app), wanted)
    }
  }
  const statusOf = async (name: string) => {
    const found = await platform.root.get(workloadPolicies, { namespace: 'default', name })
    return (found as { status?: Record<string, unknown> & { conditions?: { status: string; reason: string }[] } })
      ?.status
  }
  /** Status is gathered for half a second, so it may speak of a moment ago. */
  const says = async (name: string, wanted: string, detail = /./) =>
    await eventually(`the policy says ${wanted}`, async () => {
      const status = await statusOf(name)
      return status?.conditions?.[0]?.reason === wanted && detail.test(JSON.stringify(status))
    })

  before(async () => {
    platform = await startPlatform('shares', { leaves: 2, nodes: 'kwok:2', scheduler: true })
  })
  afterEach(async () => {
    // In the foreground: what a ReplicaSet makes while it goes would come into the next test.
    const foreground = ['--cascade=foreground', '--wait=true']
    await kubectl('delete', 'deployment,statefulset,job,workloadpolicy', '--all', ...foreground)
    await kubectl('delete', 'pods', '--all', '--wait=true')
  })
  after(() => platform?.down())

  it('has them exactly, and keeps them while it grows and shrinks', async () => {
    const allocationPolicy = [
      { name: 'leaf1', weight: 2 },
      { name: 'leaf2', weight: 1 },
    ]
    const manifests = [policy('web', { ...ofDeployment('web'), allocationPolicy }), deployment('web', 6)]
    const manifest = manifests.map((one) => JSON.stringify(one)).join('\n---\n')
    const { outcomes } = await simulateWorkload(platform.root, { manifest, namespace: 'default' })
    const foreseen = Object.fromEntries(outcomes.map(({ value, pods }) => [value, pods]))
    assert.deepEqual(foreseen, { leaf1: 4, leaf2: 2 })
    await platform.apply(...manifests)
    await settles('web', foreseen)
    await kubectl('rollout', 'status', 'deployment/web', '--timeout=240s')
    await kubectl('scale', 'deployment/web', '--replicas=30')
    await settles('web', { leaf1: 20, leaf2: 10 })
    await kubectl('rollout', 'status', 'deployment/web', '--timeout=240s')
    await kubectl('scale', 'deployment/web', '--replicas=9')
    await settles('web', { leaf1: 6, leaf2: 3 })
    const wanted = [
      { name: 'leaf1', desired: 6, assigned: 6, ready: 6 },
      { name: 'leaf2', desired: 3, assigned: 3, ready: 3 },
    ]
    await eventually('its status says so', async () => isDeepStrictEqual((await statusOf('web'))?.allocations, wanted))
  })

  it('keeps them through a rolling update', async () => {
    const allocationPolicy = [
      { name: 'leaf1', replicas: 4 },
      { name: 'leaf2', replicas: 2 },
    ]
    const spec = { ...ofDeployment('roll'), allocationPolicy, allocationType: 'Required' }
    await platform.apply(policy('roll', spec), deployment('roll', 6))
    await kubectl('rollout', 'status', 'deployment/roll', '--timeout=240s')
    await kubectl('set', 'env', 'deployment/roll', 'VERSION=2')
    await kubectl('rollout', 'status', 'deployment/roll', '--timeout=240s')
    await settles('roll', { leaf1: 4, leaf2: 2 })
  })

  it('never exceeds a required count; what is beyond it waits, says so, and goes on when a place is free', async () => {
    const allocationPolicy = [
      { name: 'leaf1', replicas: 2 },
      { name: 'leaf2', replicas: 1 },
    ]
    const spec = { labelSelector: { matchLabels: { app: 'few' } }, allocationPolicy, allocationType: 'Required' }
    await platform.apply(policy('few', spec), deployment('few', 5))
    await settles('few', { leaf1: 2, leaf2: 1, waiting: 2 })
    await says('few', 'QuotaReached', /"waiting":2/)
    const waiting = (await podsOf('few')).find(isGated)
    await eventually('the pod says why it waits', async () => {
      const events = await kubectl('describe', 'pod', waiting?.metadata.name ?? '')
      return /QuotaReached.*WorkloadPolicy few/.test(events)
    })
    const placed = (await podsOf('few')).find(({ spec }) => spec.nodeName === 'kosmos-leaf2')
    await kubectl('delete', 'pod', placed?.metadata.name ?? '')
    await settles('few', { leaf1: 2, leaf2: 1, waiting: 2 })
    const more = {
      spec: {
        allocationPolicy: [
          { name: 'leaf1', replicas: 3 },
          { name: 'leaf2', replicas: 2 },
        ],
      },
    }
    await kubectl('patch', 'workloadpolicy', 'few', '--type=merge', '-p', JSON.stringify(more))
    await settles('few', { leaf1: 3, leaf2: 2 })
    await says('few', 'AsAllocated')
  })

  it('has right numbers after our scheduler and kube-scheduler were killed and the latter led by another, while pods came and went, and never too many anywhere meanwhile', async () => {
    const { testbed, root } = platform
    const clusters = ['leaf1', 'leaf2']
    const kubeSchedulers = await replicateKubeScheduler(testbed, root)
    const disruptions = [
      () => platform.killScheduler(),
      kubeSchedulers.killLeader,
      () => platform.startScheduler(),
      kubeSchedulers.pauseLeader,
    ]
    const { faults, wrong, exact } = await storm(platform, {
      namespace: 'default',
      clusters,
      pods: COUNT,
      seed,
      disruptions,
    })
    await kubeSchedulers.end()
    assert.deepEqual({ faults, wrong }, { faults: [], wrong: [] }, `KOSMOS_SEED=${seed}`)
    assert(exact >= 2, `${exact} workloads are as their policies say`)
  })

  it('goes elsewhere when a cluster takes no pods, unless it shall wait for it', async () => {
    await kubectl('cordon', 'kosmos-leaf2')
    try {
      const allocationPolicy = [
        { name: 'leaf1', weight: 1 },
        { name: 'leaf2', weight: 1 },
      ]
      await platform.apply(
        policy('spill', { ...ofDeployment('spill'), allocationPolicy }),
        policy('stay', { ...ofDeployment('stay'), allocationPolicy, whenUnavailable: 'Wait' }),
      )
      await platform.apply(deployment('spill', 4), deployment('stay', 4))
      await settles('spill', { leaf1: 4 })
      await says('spill', 'Uneven', /leaf2 has 0 of 2/)
      await settles('stay', { leaf1: 2, waiting: 2 })
      await says('stay', 'PlacesKept')
      const reports = ['spill', 'deployment/stay'].map((name) =>
        reportWorkload(platform.root, { namespace: 'default', name }),
      )
      const [spilled, stayed] = await Promise.all(reports)
      const missing = (report: typeof spilled) => report?.shares.map(({ name, missing, why }) => [name, missing, why])
      const away = [
        ['leaf1', 0, undefined],
        ['leaf2', 2, 'no Ready node takes it (cordoned, taints, selectors)'],
      ]
      assert.deepEqual([missing(spilled), missing(stayed)], [away, away])
      assert.deepEqual(spilled?.waiting, [])
      assert.deepEqual(
        stayed?.waiting.map(({ pods, value }) => [pods, value]),
        [[2, 'leaf2']],
      )
    } finally {
      await kubectl('uncordon', 'kosmos-leaf2')
    }
    await settles('stay', { leaf1: 2, leaf2: 2 })
    // Nothing moves back, until it is asked for; and then no more than one at a time.
    assert.deepEqual(await counts('spill'), { leaf1: 4 })
    const uids = async () => (await podsOf('spill')).map(({ metadata }) => metadata.uid)
    const before = await uids()
    const budget = {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: { namespace: 'default', name: 'spill' },
      spec: { maxUnavailable: 0, selector: { matchLabels: { app: 'spill' } } },
    }
    await platform.apply(budget)
    const rebalance = { spec: { rebalance: { maxUnavailable: 1, afterSeconds: 0 } } }
    await kubectl('patch', 'workloadpolicy', 'spill', '--type=merge', '-p', JSON.stringify(rebalance))
    await says('spill', 'Rebalancing', /leaf2 has 0 of 2/)
    await eventually('a pod says that its budget forbids it', async () =>
      /disruption budget/.test(await kubectl('get', 'events', '--field-selector=reason=NotRebalanced')),
    )
    assert.deepEqual(await uids(), before)
    const { rebalance: next } = await reportWorkload(platform.root, { namespace: 'default', name: 'spill' })
    assert.match(next ?? '', /evicts spill-.*, whose successor goes to leaf2/)
    await kubectl('delete', 'pdb', 'spill')
    await settles('spill', { leaf1: 2, leaf2: 2 })
    await says('spill', 'AsAllocated')
    const kept = (await uids()).filter((uid) => before.includes(uid))
    assert.equal(kept.length, 2, 'the others have stayed where they are')
  })

  it('sends no pod to a leaf whose free resources only add up on paper, and waits until one of its nodes has room', async () => {
    const big = { container: { resources: { requests: { cpu: '40' } } } }
    const [leaf, client] = [platform.testbed.leaves[0], platform.leaves[0]]
    assert(leaf && client)
    const tenant = pod('tenant', big)
    const { code, stderr } = await platform.kubectlIn(leaf, ['apply', '-f', '-'], JSON.stringify(tenant))
    assert.equal(code, 0, stderr)
    // Two nodes of 64 cores: 88 are free, but 40 in one piece only once.
    await eventually('the virtual node says so', async () => {
      const node = await platform.root.get(nodes, { name: 'kosmos-leaf1' })
      const shapes: { free: { cpu: string } }[] = JSON.parse(
        node?.metadata.annotations?.['kosmos.io/free-shapes'] ?? '[]',
      )
      return `${shapes.map(({ free }) => free.cpu)}` === '64,24'
    })
    const allocationPolicy = [
      { name: 'leaf1', replicas: 2 },
      { name: 'leaf2', replicas: 2 },
    ]
    const spec = { ...ofDeployment('big'), allocationPolicy, allocationType: 'Required' }
    await platform.apply(policy('big', spec), deployment('big', 4, big))
    await settles('big', { leaf1: 1, leaf2: 2, waiting: 1 })
    await says('big', 'PlacesKept', /1 wait/)
    const waiting = (await podsOf('big')).find(isGated)
    await eventually('the pod says what it waits for', async () =>
      /PlaceKept.*no single node has room/.test(await kubectl('describe', 'pod', waiting?.metadata.name ?? '')),
    )
    const { waitsFor } = await explainPod(platform.root, { namespace: 'default', name: waiting?.metadata.name ?? '' })
    assert.match(waitsFor.join(), /its place at kosmos.io\/cluster=leaf1, where no single node has room/)
    const stuck = (await client.listAll(pods, { namespace: 'default' })).filter(({ spec }) => !spec.nodeName)
    assert.deepEqual(stuck, [])
    const gone = await platform.kubectlIn(leaf, ['delete', 'pod', 'tenant', '--grace-period=0', '--force'])
    assert.equal(gone.code, 0, gone.stderr)
    await settles('big', { leaf1: 2, leaf2: 2 })
    await says('big', 'AsAllocated')
  })

  it('minds the room inside leaves without shares too, in a namespace that asks for it, and fills the leaf first that has priority', async () => {
    const small = { container: { resources: { requests: { cpu: '30' } } } }
    const prefer = async (priority: number) =>
      await kubectl(
        'patch',
        'cluster.kosmos.io',
        'leaf2',
        '--type=merge',
        '-p',
        JSON.stringify({ spec: { clusterTreeOptions: { placementPriority: priority } } }),
      )
    await kubectl('label', 'namespace', 'default', 'kosmos.io/placement=best-fit')
    await prefer(5)
    try {
      const saysOf = async (name: string, annotation: string) =>
        (await platform.root.get(nodes, { name }))?.metadata.annotations?.[`kosmos.io/${annotation}`]
      await eventually('the virtual nodes say so, and that they are empty', async () => {
        const shapes = await Promise.all(['kosmos-leaf1', 'kosmos-leaf2'].map((name) => saysOf(name, 'free-shapes')))
        const areEmpty = shapes.every((text) => /^\[{"nodes":2,"free":{"cpu":"64"/.test(text ?? ''))
        return areEmpty && (await saysOf('kosmos-leaf2', 'placement-priority')) === '5'
      })
      // Two nodes of 64 cores in each leaf: two pods of 30 fill a node, and what is left adds up to 16.
      const manifest = JSON.stringify(deployment('fit', 10, small))
      const expected = [
        ['kosmos-leaf2', 4],
        ['kosmos-leaf1', 4],
        [undefined, 2],
      ]
      // Pods that have just ended hold their room until their leaf has told of it.
      const simulated = await eventually('it is foreseen', async () => {
        const found = await simulateWorkload(platform.root, { manifest, namespace: 'default' })
        const foreseen = found.outcomes.map(({ node, pods }) => [node, pods])
        return isDeepStrictEqual(foreseen, expected) ? found : undefined
      })
      const [first] = simulated.candidates
      assert.deepEqual([first?.node, first?.priority, first?.hasRoom], ['kosmos-leaf2', 5, true])
      await platform.apply(deployment('fit', 10, small))
      await settles('fit', { leaf2: 4, leaf1: 4, waiting: 2 })
      const waiting = (await podsOf('fit')).find(isGated)
      const { name = '' } = waiting?.metadata ?? {}
      await eventually('the pod says what it waits for', async () =>
        /NoRoom.*kosmos.io\/placement=best-fit/.test(await kubectl('describe', 'pod', name)),
      )
      const { waitsFor, candidates } = await explainPod(platform.root, { namespace: 'default', name })
      assert.match(waitsFor.join(), /waits for room, by the label .* no single node has room/)
      assert.deepEqual(
        candidates.map(({ node, hasRoom }) => [node, hasRoom]),
        [
          ['kosmos-leaf2', false],
          ['kosmos-leaf1', false],
        ],
      )
      for (const leaf of platform.leaves) {
        await eventually('all of a leaf have their node', async () =>
          (await leaf.listAll(pods, { namespace: 'default' })).every(({ spec }) => spec.nodeName),
        )
      }
    } finally {
      await kubectl('label', 'namespace', 'default', 'kosmos.io/placement-')
      await prefer(0)
    }
    await eventually('without the label they are let go', async () => !(await podsOf('fit')).some(isGated))
  })

  it('has its pods where kosmosctl simulate foretold them, whatever policies, pods and cordoned leaves there are', async () => {
    const cases = await foreseeAndDo(platform, 'default', randomFrom(seed), 5)
    for (const { what, foreseen, done } of cases) assert.deepEqual(done, foreseen, `${what}; KOSMOS_SEED=${seed}`)
  })

  it('lets pods go when their policy goes', async () => {
    const allocationPolicy = [{ name: 'leaf1', replicas: 1 }]
    const spec = { ...ofDeployment('gone'), allocationPolicy, allocationType: 'Required' }
    await platform.apply(policy('gone', spec), deployment('gone', 3))
    await settles('gone', { leaf1: 1, waiting: 2 })
    await kubectl('delete', 'workloadpolicy', 'gone')
    await eventually('none waits', async () => !(await podsOf('gone')).some(isGated))
  })

  it("serves pods that ask for the original's scheduler", async () => {
    await platform.apply(deployment('original', 1, { spec: { schedulerName: 'kosmos-scheduler' } }))
    await kubectl('rollout', 'status', 'deployment/original', '--timeout=240s')
  })
})
