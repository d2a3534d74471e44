import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { explainPod } from '@kosmos/kosmosctl'
import { type Client, nodes, type Pod, persistentVolumeClaims, pods } from '@kosmos/kube'
import { pod, statefulSet, storageClass } from '../platform/manifests.ts'
import { eventually, type Platform, startPlatform } from '../platform/platform.ts'
import { policyManifest } from './shares/plan.ts'
import { isGated, type Seen, SeenShares } from './shares/seen.ts'

const namespace = 'default'
const REPLICAS = 4
/** Two of the 64 cores of a leaf's node are not to be had twice, so a leaf of two nodes has room for two pods. */
const big = { container: { resources: { requests: { cpu: '40' } } } }
const shares = {
  allocationPolicy: [
    { name: 'leaf1', weight: 1, max: 3 },
    { name: 'leaf2', weight: 1, max: 3 },
  ],
  allocationType: 'Required',
  allocationMethod: 'Balance',
  allocationScope: 'Workload',
} as const
// A place without a volume would be taken in the other leaf.
const policy = policyManifest(
  { name: 'db', kind: 'StatefulSet', policy: { ...shares, whenUnavailable: 'Spill' } },
  namespace,
)
const claimSpec = {
  accessModes: ['ReadWriteOnce'],
  storageClassName: 'fast',
  resources: { requests: { storage: '1Gi' } },
}
const volume = (name: string) => ({
  apiVersion: 'v1',
  kind: 'PersistentVolume',
  metadata: { name },
  spec: {
    capacity: { storage: '1Gi' },
    accessModes: ['ReadWriteOnce'],
    storageClassName: 'fast',
    hostPath: { path: `/nowhere/${name}` },
  },
})

describe('a StatefulSet with shares of clusters, whose volumes are made where their first pod is', () => {
  let platform: Platform
  let seen: SeenShares
  const stopping = new AbortController()
  const planned: Seen = { name: 'db', policy: shares }
  const kubectl = async (...args: string[]) => {
    const { code, stdout, stderr } = await platform.kubectl(args)
    assert.equal(code, 0, stderr)
    return stdout
  }
  const isRunning = ({ spec, status }: Pod) => spec.nodeName !== undefined && status?.phase === 'Running'
  /** The leaf of each pod, by its name. */
  const places = () =>
    Object.fromEntries(seen.liveOf(planned).map(({ metadata, spec }) => [metadata.name, spec.nodeName]))
  const run = async (count: number) =>
    await eventually(`${count} run`, () => {
      const live = seen.liveOf(planned)
      return live.length === count && live.every(isRunning)
    })
  const countsOf = (all: Record<string, string | undefined>) =>
    ['leaf1', 'leaf2'].map((leaf) => Object.values(all).filter((node) => node === `kosmos-${leaf}`).length)
  /** What the first of its nodes with less has left of its cores. */
  const largestHole = async (node: string) => {
    const found = await platform.root.get(nodes, { name: node })
    const shapes: { free: { cpu: string } }[] = JSON.parse(
      found?.metadata.annotations?.['kosmos.io/free-shapes'] ?? '[]',
    )
    return Math.max(...shapes.map(({ free }) => Number(free.cpu)))
  }

  before(async () => {
    platform = await startPlatform('shares-of-volumes', { leaves: 2, nodes: 'kwok:2', scheduler: true })
    for (const leaf of platform.testbed.leaves) {
      const volumes = Array.from({ length: REPLICAS }, (_, i) => volume(`volume-${i}`))
      const items = [storageClass('fast', 'kubernetes.io/no-provisioner'), ...volumes]
      const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items })
      const { code, stderr } = await platform.kubectlIn(leaf, ['apply', '-f', '-'], list)
      assert.equal(code, 0, stderr)
    }
    seen = new SeenShares(platform.root, namespace, [planned])
    void seen.run(stopping.signal)
    await seen.synced
    await platform.apply(storageClass('fast', 'leaf.kosmos.io'), policy)
    await platform.apply(statefulSet('db', claimSpec, big, { replicas: REPLICAS, podManagementPolicy: 'Parallel' }))
  })
  after(async () => {
    stopping.abort()
    await platform?.down()
  })

  it('has them, and its volumes lie where its pods are', async () => {
    await run(REPLICAS)
    const found = places()
    assert.deepEqual(countsOf(found), [2, 2])
    for (const [name, node] of Object.entries(found)) {
      const leaf = platform.leaves[Number(node?.at(-1)) - 1] as Client
      const claim = { namespace, name: `data-${name}` }
      await eventually(`the claim of ${name} is bound in its leaf and in the root`, async () => {
        const both = await Promise.all([leaf, platform.root].map((one) => one.get(persistentVolumeClaims, claim)))
        return both.every((one) => one?.status?.phase === 'Bound')
      })
    }
  })

  it('has each pod where it was when all are deleted at once', async () => {
    const found = places()
    const uids = seen.liveOf(planned).map(({ metadata }) => metadata.uid)
    await kubectl('delete', 'pods', '-l', 'app=db', '--wait=false')
    await eventually('all are others', () => seen.liveOf(planned).every(({ metadata }) => !uids.includes(metadata.uid)))
    await run(REPLICAS)
    assert.deepEqual(places(), found)
  })

  it('has each pod where it was when it has shrunk and grown', async () => {
    const found = places()
    await kubectl('scale', 'statefulset/db', '--replicas=1')
    await run(1)
    await kubectl('scale', `statefulset/db`, `--replicas=${REPLICAS}`)
    await run(REPLICAS)
    assert.deepEqual(places(), found)
  })

  it('has a pod wait where its volume is while that leaf is full, though the other has room and a place, and says so', async () => {
    const found = places()
    const last = `db-${REPLICAS - 1}`
    const node = found[last] ?? assert.fail()
    const i = Number(node.at(-1)) - 1
    const [leaf, client] = [platform.testbed.leaves[i], platform.leaves[i]]
    assert(leaf && client)
    await kubectl('scale', 'statefulset/db', `--replicas=${REPLICAS - 1}`)
    await eventually('it has left its leaf', async () => !(await client.get(pods, { namespace, name: last })))
    const { code, stderr } = await platform.kubectlIn(leaf, ['apply', '-f', '-'], JSON.stringify(pod('tenant', big)))
    assert.equal(code, 0, stderr)
    await eventually('the virtual node is full', async () => (await largestHole(node)) < 40)
    await kubectl('scale', 'statefulset/db', `--replicas=${REPLICAS}`)
    await eventually('it waits and says why', async () => {
      const waiting = await platform.root.get(pods, { namespace, name: last })
      return (
        waiting && isGated(waiting) && /PlaceKept.*no single node has room/.test(await kubectl('describe', 'pod', last))
      )
    })
    const { waitsFor, objections } = await explainPod(platform.root, { namespace, name: last })
    assert.match(
      waitsFor.join(),
      new RegExp(`its place at kosmos.io/cluster=leaf${i + 1}, where no single node has room`),
    )
    const other = objections.find((one) => one.node !== node)
    assert.equal(other?.rule, 'volume')
    await platform.kubectlIn(leaf, ['delete', 'pod', 'tenant', '--grace-period=0', '--force'])
    await run(REPLICAS)
    assert.deepEqual(places(), found)
    assert.deepEqual(seen.faults, [])
  })
})
