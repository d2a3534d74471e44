import assert from 'node:assert/strict'
import { after, afterEach, before, describe, it } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { explainPod, reportWorkload, simulateWorkload } from '@kosmos/kosmosctl'
import { Informer, nodes, type Pod, pods, resource } from '@kosmos/kube'
import { deployment, pod } from '../platform/manifests.ts'
import { eventually, type Platform, startPlatform } from '../platform/platform.ts'

const workloadPolicies = resource('kosmos.io/v1alpha1', 'WorkloadPolicy', 'workloadpolicies', 'Namespaced')
const gate = 'kosmos.io/placement'

const policy = (name: string, spec: object) => ({
  apiVersion: 'kosmos.io/v1alpha1',
  kind: 'WorkloadPolicy',
  metadata: { namespace: 'default', name },
  spec: { topologyKey: 'kosmos.io/cluster', ...spec },
})
const ofDeployment = (name: string) => ({ workload: { kind: 'Deployment', name } })

/** Pods of the Deployment whose scheduler is killed; a multiple of four, at most 1300. */
const COUNT = Number(process.env.KOSMOS_SHARES_PODS ?? 80)

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
  const isPlaced = (one: Pod) =>
    !isGated(one) &&
    !one.metadata.deletionTimestamp &&
    one.status?.phase !== 'Failed' &&
    one.status?.phase !== 'Succeeded'
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
    await kubectl('delete', 'deployment,statefulset,job,workloadpolicy', '--all', '--wait=true')
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
    await kubectl('rollout', 'status', 'deployment/web', '--timeout=60s')
    await kubectl('scale', 'deployment/web', '--replicas=30')
    await settles('web', { leaf1: 20, leaf2: 10 })
    await kubectl('rollout', 'status', 'deployment/web', '--timeout=60s')
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
    await kubectl('rollout', 'status', 'deployment/roll', '--timeout=60s')
    await kubectl('set', 'env', 'deployment/roll', 'VERSION=2')
    await kubectl('rollout', 'status', 'deployment/roll', '--timeout=90s')
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

  it('has right numbers after the scheduler was killed in the middle of it, and never too many anywhere meanwhile', async () => {
    const most = { leaf1: COUNT / 4, leaf2: (COUNT * 3) / 4 }
    const allocationPolicy = Object.entries(most).map(([name, replicas]) => ({ name, replicas }))
    const spec = { ...ofDeployment('kill'), allocationPolicy, allocationType: 'Required' }
    const stop = new AbortController()
    const seen = new Informer({
      client: platform.root,
      resource: pods,
      namespace: 'default',
      labelSelector: 'app=kill',
    })
    const excess: string[] = []
    seen.subscribe(() => {
      const places = [...seen.store.values()]
        .filter(isPlaced)
        .map(({ spec }) => spec.nodeSelector?.['kosmos.io/cluster'])
      for (const [name, count] of Object.entries(most)) {
        const now = places.filter((place) => place === name).length
        if (now > count) excess.push(`${name}: ${now} of ${count}`)
      }
    })
    const watching = seen.run(stop.signal)
    await platform.apply(policy('kill', spec), deployment('kill', COUNT / 4))
    await eventually('some have their place', () => [...seen.store.values()].some(isPlaced))
    for (const replicas of [COUNT / 2, COUNT + 3]) {
      const before = [...seen.store.values()].filter(isPlaced).length
      await platform.killScheduler()
      await kubectl('scale', 'deployment/kill', `--replicas=${replicas}`)
      if (replicas < COUNT) {
        await platform.apply(deployment('free', 2))
        await kubectl('rollout', 'status', 'deployment/free', '--timeout=60s')
      }
      await platform.startScheduler()
      await eventually('some more have their place', () => [...seen.store.values()].filter(isPlaced).length > before)
    }
    await settles('kill', { ...most, waiting: 3 })
    stop.abort()
    await watching
    assert.deepEqual(excess, [])
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
        ['leaf2', 2, 'no Ready node takes it'],
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
      const shapes = JSON.parse(node?.metadata.annotations?.['kosmos.io/free-shapes'] ?? '[]')
      return shapes.length === 2
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
    await platform.kubectlIn(leaf, ['delete', 'pod', 'tenant', '--grace-period=0', '--force'])
    await settles('big', { leaf1: 2, leaf2: 2 })
    await says('big', 'AsAllocated')
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
    await kubectl('rollout', 'status', 'deployment/original', '--timeout=60s')
  })
})
