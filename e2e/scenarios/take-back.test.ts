import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { explainPod, reportWorkload } from '@kosmos/kosmosctl'
import { type Pod, pods, unwrap } from '@kosmos/kube'
import { deployment, pod, statefulSet, storageClass } from '../platform/manifests.ts'
import { eventually, type Platform, startPlatform } from '../platform/platform.ts'
import { pauseIsOver, workloadPolicies } from './pauses.ts'

const namespace = 'default'
const allocationPolicy = ['leaf1', 'leaf2'].map((name) => ({ name, weight: 1 }))
const policy = (name: string, spec: object) => ({
  apiVersion: 'kosmos.io/v1alpha1',
  kind: 'WorkloadPolicy',
  metadata: { namespace, name },
  spec: { topologyKey: 'kosmos.io/cluster', labelSelector: { matchLabels: { app: name } }, allocationPolicy, ...spec },
})
const claimSpec = {
  storageClassName: 'fast',
  accessModes: ['ReadWriteOnce'],
  resources: { requests: { storage: '1Gi' } },
}
const budget = (name: string) => ({
  apiVersion: 'policy/v1',
  kind: 'PodDisruptionBudget',
  metadata: { namespace, name },
  spec: { minAvailable: '100%', selector: { matchLabels: { app: name } } },
})

/** Where room is minded without a policy. */
const roomy = 'roomy'
/** From and until which second of its waiting a node is kept for a pod, as docs/explanation/placement.md has it. */
const keptFor = [
  [60, 120],
  [180, 300],
  [420, 660],
  [900, 1_380],
] as const
/** A pod for leaf2, whose nodes have 64 cores each. */
const sized = (name: string, cpu: string) => {
  const manifest = pod(name, { namespace: roomy })
  const containers = manifest.spec.containers.map((one) => ({ ...one, resources: { requests: { cpu } } }))
  return { ...manifest, spec: { ...manifest.spec, containers, nodeSelector: { 'kosmos.io/cluster': 'leaf2' } } }
}

describe('a leaf that has room and takes no pods, by a taint that its virtual node does not tell of', () => {
  let platform: Platform
  const kubectl = async (...args: string[]) => {
    const { code, stdout, stderr } = await platform.kubectl(args)
    assert.equal(code, 0, stderr)
    return stdout.trim()
  }
  const taintLeaf1 = async (taint: string) => {
    const [leaf] = platform.testbed.leaves
    assert(leaf)
    const { code, stderr } = await platform.kubectlIn(leaf, ['taint', 'nodes', '--all', taint])
    assert.equal(code, 0, stderr)
  }
  const podsOf = async (app: string) =>
    (await platform.root.listAll(pods, { namespace, labelSelector: `app=${app}` })).filter(
      ({ metadata }) => metadata.deletionTimestamp === undefined,
    )
  const isGated = ({ spec }: Pod) => spec.schedulingGates !== undefined
  const placesOf = async (app: string) =>
    (await podsOf(app)).map((one) => (isGated(one) ? 'waiting' : (one.spec.nodeName ?? 'pending'))).sort()
  const settles = async (app: string, wanted: readonly string[]) =>
    await eventually(`${app} is at ${wanted}`, async () => `${await placesOf(app)}` === `${wanted}`)
  const refusalsOf = async (name: string) =>
    (await platform.root.get(workloadPolicies, { namespace, name }))?.status?.refusals

  const waitsFor = async (name: string) => (await explainPod(platform.root, { namespace: roomy, name })).waitsFor
  const isPlaced = async (name: string) =>
    await eventually(`${name} is Ready in leaf2`, async () => {
      const found = await platform.root.get(pods, { namespace: roomy, name })
      const isReady = found?.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True')
      return found?.spec.nodeName === 'kosmos-leaf2' && isReady
    })
  const openedAt = async (name: string) => {
    const found = await platform.root.get(pods, { namespace: roomy, name })
    const scheduled = found?.status?.conditions?.find(({ type }) => type === 'PodScheduled')
    return scheduled && Date.parse(`${scheduled.lastTransitionTime}`)
  }

  before(async () => {
    platform = await startPlatform('take-back', { leaves: 2, nodes: 'kwok:2', scheduler: true })
    await taintLeaf1('disk=broken:NoSchedule')
    await platform.apply(
      policy('spill', {}),
      policy('wait', { whenUnavailable: 'Wait' }),
      policy('bare', {}),
      policy('held', { allocationPolicy: [{ name: 'leaf1', weight: 1 }], allocationType: 'Required' }),
      budget('spill'),
      storageClass('fast', 'leaf.kosmos.io'),
    )
    for (const leaf of platform.testbed.leaves) {
      const applied = await platform.kubectlIn(
        leaf,
        ['apply', '-f', '-'],
        JSON.stringify(storageClass('fast', 'example.org/none')),
      )
      assert.equal(applied.code, 0, applied.stderr)
    }
    await platform.apply(statefulSet('held', claimSpec))
    await platform.apply(deployment('spill', 4), deployment('wait', 4), pod('bare'))
  })
  after(() => platform?.down())

  it('gives them back, and they get their place in another, whatever a PodDisruptionBudget says of pods that run', async () => {
    await settles('spill', ['kosmos-leaf2', 'kosmos-leaf2', 'kosmos-leaf2', 'kosmos-leaf2'])
    await kubectl('rollout', 'status', 'deployment/spill', '--timeout=240s')
    await eventually('an Event says so', async () =>
      /kosmos-leaf1 found no node/.test(await kubectl('get', 'events', '--field-selector=reason=TakenBack')),
    )
    const [refusal, ...others] = await eventually('the policy says so', async () => await refusalsOf('spill'))
    assert.equal(refusal?.node, 'kosmos-leaf1')
    assert.match(refusal.message, /untolerated taint/)
    assert.deepEqual(others, [])
  })

  it('is no matter to a leaf that is full: there a large pod begins to wait for room', async () => {
    await platform.apply({
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: roomy, labels: { 'kosmos.io/placement': 'best-fit' } },
    })
    await platform.apply(sized('filler-0', '40'), sized('filler-1', '40'))
    for (const name of ['filler-0', 'filler-1']) await isPlaced(name)
    await platform.apply(sized('large', '32'))
    await eventually('it waits', async () =>
      (await waitsFor('large')).some((text) => /no single node has room/.test(text)),
    )
  })

  it('has none of them Pending that shall wait for it: they wait in the root, and say what for', async () => {
    // After its pause the leaf is asked again, by pods that others take the place of: all of it is said between two tries.
    await eventually('two wait, and all say what for', async () => {
      assert.deepEqual(await placesOf('wait'), ['kosmos-leaf2', 'kosmos-leaf2', 'waiting', 'waiting'])
      const { name = '' } = (await podsOf('wait')).find(isGated)?.metadata ?? {}
      assert.match(await kubectl('describe', 'pod', name), /PlaceKept.*has lately found no node/)
      const { waitsFor } = await explainPod(platform.root, { namespace, name })
      assert.match(
        waitsFor.join(),
        /kosmos.io\/cluster=leaf1, where the leaf, or the scheduler of the root, has lately found no node/,
      )
      const { shares, refusals } = await reportWorkload(platform.root, { namespace, name: 'wait' })
      assert.deepEqual(
        shares.map(({ missing }) => missing),
        [2, 0],
      )
      assert.match(refusals.join(), /^kosmos-leaf1 until .* after (1 try|\d+ tries): .*untolerated taint/)
      return true
    })
  })

  it('keeps a pod that nobody would make anew, with the reason', async () => {
    const bare = await eventually('it is there', async () => {
      const [found] = await podsOf('bare')
      return found?.spec.nodeName === 'kosmos-leaf1' && found
    })
    await eventually('it says so', async () =>
      /NotTakenBack.*no controller/.test(await kubectl('describe', 'pod', 'bare')),
    )
    const { waitsFor } = await explainPod(platform.root, { namespace, name: 'bare' })
    assert.match(waitsFor.join(), /untolerated taint.*,room in its leaf: it is not taken back/)
    assert.equal((await podsOf('bare'))[0]?.metadata.uid, bare.metadata.uid)
  })

  it('keeps a pod whose claim is in it already, and names the claim', async () => {
    await eventually('it says so', async () =>
      /NotTakenBack.*its claim data-held-0 has the volume .*which only some nodes reach/.test(
        await kubectl('describe', 'pod', 'held-0'),
      ),
    )
    const { waitsFor, needs } = await explainPod(platform.root, { namespace, name: 'held-0' })
    assert.match(waitsFor.join(), /room in its leaf: it is not taken back, since its claim data-held-0 has the volume/)
    assert(needs.some(({ kind, name }) => kind === 'PersistentVolumeClaim' && name === 'data-held-0'))
  })

  it('is not asked again too early by a scheduler that starts anew', async () => {
    await platform.killScheduler()
    // As after the seventh time, so that it ends in no test, however slow the machine is.
    const until = new Date(Date.now() + 64 * 60_000).toISOString()
    const refusals = (await refusalsOf('spill'))?.map((one) => ({ ...one, until }))
    assert.equal(refusals?.length, 1)
    const ref = { namespace, name: 'spill' }
    const written = { type: 'merge', subresource: 'status' } as const
    unwrap(await platform.root.patch(workloadPolicies, ref, { status: { refusals } }, written))
    await platform.startScheduler()
    await kubectl('scale', 'deployment/spill', '--replicas=6')
    await settles('spill', Array(6).fill('kosmos-leaf2'))
    assert.deepEqual(await refusalsOf('spill'), refusals)
  })

  it('gets those that waited for it when it takes pods again, at the latest after the pause', async () => {
    await taintLeaf1('disk-')
    await pauseIsOver(platform.root, { namespace, name: 'wait' })
    await settles('wait', ['kosmos-leaf1', 'kosmos-leaf1', 'kosmos-leaf2', 'kosmos-leaf2'])
    await kubectl('rollout', 'status', 'deployment/wait', '--timeout=240s')
  })

  it('is kept, the one that is full, for the large pod that has waited a minute: a small one that would fit waits behind it', async () => {
    const large = (await platform.root.get(pods, { namespace: roomy, name: 'large' })) ?? assert.fail()
    const waited = () => (Date.now() - Date.parse(`${large.metadata.creationTimestamp}`)) / 1_000
    // Not so late that it is open to all before the small one has been looked at.
    const [from] = keptFor.find(([, until]) => waited() < until - 30) ?? assert.fail('it is kept later')
    await sleep(Math.max(0, from - waited()) * 1_000)
    await eventually('the node is kept', async () =>
      (await waitsFor('large')).some((text) => /kosmos-leaf2.* is kept for it/.test(text)),
    )
    await platform.apply(sized('small', '4'))
    await eventually('the small one says for whom it waits', async () =>
      (await waitsFor('small')).some((text) => /kept for a pod that comes first.*: roomy\/large/.test(text)),
    )
    await kubectl('delete', 'pod', 'filler-0', '-n', roomy, '--wait=false')
    for (const name of ['large', 'small']) await isPlaced(name)
    const places = await Promise.all(['large', 'small'].map(openedAt))
    assert(places[0] && places[1] && places[0] <= places[1], 'the large one first')
  })
})
