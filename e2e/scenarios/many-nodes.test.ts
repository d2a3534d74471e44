import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { after, before, describe, it, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { join, silent } from '@kosmos/kosmosctl'
import { type Client, Informer, LabelSelector, leases, nodes, unwrap } from '@kosmos/kube'
import { requestCounts } from '../bench/pods/where.ts'
import { cpuMs, peakRssMiB } from '../bench/process-usage.ts'
import { clusterTree } from '../platform/components.ts'
import { pidOf } from '../platform/kosmos.ts'
import { readMetrics } from '../platform/metrics.ts'
import { eventually, type Platform, startPlatform } from '../platform/platform.ts'
import { setTreeOptions } from '../platform/tree-options.ts'

/** A Cluster describes 1,000 virtual nodes at most; the figures in docs/benchmarks.md are for 500. */
const COUNT = Number(process.env.KOSMOS_NODES ?? 150)
const MORE = 20
const REST_SECONDS = 30

describe(`a leaf of ${COUNT} nodes, each of them a virtual node`, () => {
  let platform: Platform
  let leaf: Client
  let pid: number
  /** When Leases of virtual nodes were renewed, as they say. */
  const renewals: number[] = []
  const stop = new AbortController()
  let following: Promise<void> = Promise.resolve()

  before(async () => {
    platform = await startPlatform('many-nodes', { leaves: 1, nodes: `kwok:${COUNT}` })
    leaf = platform.leaves[0] ?? assert.fail()
    pid = pidOf(platform.testbed, clusterTree)
    const nodeLeases = new Informer({ client: platform.root, resource: leases, namespace: 'kube-node-lease' })
    nodeLeases.subscribe(({ type, object }) => {
      const { renewTime = '' } = (object as { readonly spec?: { readonly renewTime?: string } }).spec ?? {}
      if (type === 'updated') renewals.push(Date.parse(renewTime))
    })
    following = nodeLeases.run(stop.signal)
    await nodeLeases.synced
  })
  after(async () => {
    stop.abort()
    await following
    await platform?.down()
  })

  const joined = () => ({
    name: 'leaf1',
    root: { file: platform.testbed.root.kubeconfig },
    leaf: { file: platform.testbed.leaves[0]?.kubeconfig },
    timeoutSeconds: 300,
  })
  /** As a person who edits the Cluster: joining again renews the credentials. */
  const describeNodes = async (...names: string[]) => {
    const leafModels = names.map((nodeName) => ({ nodeSelector: { nodeName } }))
    unwrap(await setTreeOptions(platform.root, 'leaf1', { leafModels }))
  }
  const all = Array.from({ length: COUNT }, (_, i) => `kwok-${i}`)
  const requests = async () => requestCounts(await readMetrics(platform.kosmos.secureMetrics))

  /** What cluster-tree sends to the root for some work, besides renewals of Leases; renewals follow the clock, not the work. */
  async function sent(context: TestContext, what: string, work: () => Promise<unknown>) {
    const [before, cpu] = [await requests(), cpuMs(pid)]
    const [start, from] = [performance.now(), Date.now()]
    await work()
    const seconds = (performance.now() - start) / 1_000
    const [after, until] = [await requests(), Date.now()]
    // Word of the last renewals is on its way.
    await sleep(2_000)
    const count = (verb: string) => (after.get(`root ${verb}`) ?? 0) - (before.get(`root ${verb}`) ?? 0)
    const leaseRenewals = renewals.filter((at) => at >= from && at < until).length
    const figures = {
      create: count('post'),
      patch: count('patch') - leaseRenewals,
      put: count('put'),
      delete: count('delete'),
      list: count('list'),
      leaseRenewals,
    }
    const usage = `CPU ${Math.round(cpuMs(pid) - cpu)} ms, peak ${Math.round(peakRssMiB(pid))} MiB`
    context.diagnostic(`${what}: ${seconds.toFixed(1)} s, ${usage}, ${JSON.stringify(figures)}`)
    return { ...figures, from, until, cpuMs: cpuMs(pid) - cpu }
  }

  /** Until every virtual node has told where its kubelet is, which is when it has its certificate. */
  const kubeletsServe = (count: number) =>
    eventually('every kubelet serves', async () => {
      const there = await platform.root.listAll(nodes)
      const ports = there.filter(({ status }) => status?.daemonEndpoints?.kubeletEndpoint?.Port)
      return there.length === count && ports.length === count
    })

  it('come at once, with as many writes as each of them needs', async (context) => {
    const work = await sent(context, `${COUNT} virtual nodes come`, async () => {
      await join({ ...joined(), model: { kind: 'node', selector: LabelSelector.everything } }, silent)
      await kubeletsServe(COUNT)
    })
    // The Node, its Lease, and the request for its certificate; Events besides.
    assert.ok(work.create <= 3 * COUNT + 100, `${work.create} creates`)
    // That the request is approved; the election of a leader besides.
    assert.ok(work.put <= COUNT + 200, `${work.put} puts`)
    // Where its kubelet is; again where others wrote in between, and the Cluster's status.
    assert.ok(work.patch <= 3 * COUNT, `${work.patch} patches`)
    assert.equal(work.list, 0)
    assert.ok(peakRssMiB(pid) < 300)
  })

  it('cost nothing at rest but their Leases, which are no burst', async (context) => {
    const work = await sent(context, `${COUNT} virtual nodes at rest`, () => sleep(REST_SECONDS * 1_000))
    // A renewal counts here when it is sent, in the metrics when it is answered.
    assert.ok(Math.abs(work.patch) <= COUNT / 5, `${work.patch} patches that are no renewals`)
    assert.deepEqual([work.delete, work.list], [0, 0])
    assert.ok(work.create <= 2, 'who reads the metrics is asked for again after a while')
    assert.ok(work.put <= REST_SECONDS, 'a leader says once in two seconds that it leads')
    const renewed = new Map<number, number>()
    const resting = renewals.filter((at) => at >= work.from && at < work.until)
    for (const at of resting) renewed.set(Math.floor(at / 1_000), (renewed.get(Math.floor(at / 1_000)) ?? 0) + 1)
    const most = Math.max(...renewed.values())
    context.diagnostic(`Leases renewed in one second: at most ${most}`)
    assert.ok(most <= Math.max(150, COUNT / 5), `${most} Leases in one second`)
    assert.ok(work.cpuMs < REST_SECONDS * 100, `${work.cpuMs} ms CPU in ${REST_SECONDS} s`)
  })

  it('keep their kubelets and certificates when credentials are renewed', async (context) => {
    const log = path.join(platform.testbed.dir, 'logs', 'cluster-tree.log')
    const logins = async () => (await readFile(log, 'utf8')).split('leaf.credentials.taken').length
    const before = await logins()
    const work = await sent(context, 'new credentials', async () => {
      await join(joined(), silent)
      await eventually('they are used', async () => (await logins()) > before)
    })
    assert.ok(work.create <= 20, `${work.create} creates`)
    assert.ok(work.patch <= COUNT / 5, `${work.patch} patches`)
  })

  it('get more, with as many writes as those need that are new', async (context) => {
    const { metadata, status } = (await leaf.get(nodes, { name: 'kwok-0' })) ?? assert.fail()
    const { labels, annotations } = metadata
    const work = await sent(context, `${MORE} virtual nodes more`, async () => {
      for (let i = 0; i < MORE; i++) {
        unwrap(await leaf.create(nodes, { metadata: { name: `more-${i}`, labels, annotations }, status } as object))
      }
      await describeNodes(...all, ...Array.from({ length: MORE }, (_, i) => `more-${i}`))
      await kubeletsServe(COUNT + MORE)
    })
    assert.ok(work.create <= 3 * MORE + 20, `${work.create} creates`)
    assert.ok(work.patch <= 3 * MORE + 60, `${work.patch} patches`)
  })

  it('go at once, with two writes for each', async (context) => {
    const before = (await requests()).get('root delete') ?? 0
    const work = await sent(context, `${COUNT + MORE} virtual nodes go`, async () => {
      await describeNodes()
      await eventually('they are gone', async () => {
        const left = await platform.root.listAll(nodes, { metadataOnly: true })
        return left.length === 1
      })
      // A Node is seen to be gone before the answer to its deletion has come, which is when it is counted.
      await eventually('every answer is there', async () => {
        return ((await requests()).get('root delete') ?? 0) >= before + COUNT + MORE
      })
    })
    assert.equal(work.delete, COUNT + MORE)
    assert.ok(work.patch <= 2 * (COUNT + MORE), `${work.patch} patches`)
    assert.ok(work.create <= 120, `${work.create} creates`)
  })
})
