import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cpSync, rmSync } from 'node:fs'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { orphanLabel } from '@kosmos/api'
import { type Client, configMaps, pods } from '@kosmos/kube'
import type { ControlPlane } from '@kosmos/testbed'
import { deployment, pod } from '../platform/manifests.ts'
import { eventually, type Platform, startPlatform } from '../platform/platform.ts'

const run = promisify(execFile)
const namespace = 'default'
const rest = ['kube-controller-manager', 'kube-scheduler'] as const

describe('clusters that are restored from a snapshot of yesterday', () => {
  let platform: Platform

  before(async () => {
    platform = await startPlatform('restored', { leaves: 1, nodes: 'kwok:1' })
    await platform.apply(pod('old'), deployment('web', 2))
    await running('old')
  })
  after(() => platform?.down())

  const leaf = () => platform.leaves[0] ?? assert.fail()
  const inRoot = (name: string) => platform.root.get(pods, { namespace, name })
  const inLeaf = (name: string) => leaf().get(pods, { namespace, name })
  const running = (name: string) =>
    eventually(`${name} runs`, async () => {
      const found = await inRoot(name)
      return found?.status?.phase === 'Running' && found
    })
  const stop = async (cluster: ControlPlane) => {
    for (const component of [...rest, 'kube-apiserver', 'etcd']) await cluster.kill(component)
  }
  const start = async (cluster: ControlPlane) => {
    for (const component of ['etcd', 'kube-apiserver', ...rest]) await cluster.restart(component)
  }
  /** A snapshot is older than what it lacks: some hundred writes lie between them. */
  const aDayOfWork = async (client: Client) => {
    const metadata = { namespace, name: 'day' }
    for (let minute = 0; minute < 600; minute++) {
      const page = { metadata, data: { minute: `${minute}` } }
      await client.apply(configMaps, page)
    }
  }
  const folders = ({ dir }: ControlPlane) => [path.join(dir, 'etcd'), path.join(dir, 'snapshot')] as const
  const snapshot = async (cluster: ControlPlane) => {
    const [data, copy] = folders(cluster)
    // What lies there while it stands still is what a kill would leave, and nobody has to start anew.
    await cluster.pause('etcd')
    rmSync(copy, { recursive: true, force: true })
    cpSync(data, copy, { recursive: true })
    cluster.resume('etcd')
  }
  const restore = async (cluster: ControlPlane) => {
    const [data, copy] = folders(cluster)
    await stop(cluster)
    rmSync(data, { recursive: true })
    cpSync(copy, data, { recursive: true })
    await start(cluster)
  }

  const kosmosctl = async (...args: string[]) => {
    const main = path.resolve(import.meta.dirname, '../../packages/kosmosctl/src/main.ts')
    const env = { ...process.env, KUBECONFIG: platform.testbed.root.kubeconfig }
    return (await run(process.execPath, [main, ...args], { env })).stdout
  }

  it('go on running in the leaf what a restored root does not remember, and what it does', async () => {
    const { root } = platform.testbed
    await snapshot(root)
    await aDayOfWork(platform.root)
    const settings = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { namespace, name: 'settings' },
      data: { a: '1' },
    }
    const volumes = [{ name: 'settings', configMap: { name: 'settings' } }]
    await platform.apply(settings, pod('lost', { spec: { volumes } }))
    await running('lost')
    const before = { old: await inLeaf('old'), lost: await inLeaf('lost') }

    await platform.killClusterTree()
    await restore(root)
    await platform.startClusterTree()
    const lost = await eventually('it is marked', async () => {
      const found = await inLeaf('lost')
      return found?.metadata.labels?.[orphanLabel] === 'true' && found
    })
    assert.equal(lost.metadata.uid, before.lost?.metadata.uid)
    assert.equal(lost.metadata.deletionTimestamp, undefined)
    assert(await leaf().get(configMaps, { namespace, name: 'settings' }), 'what it mounts is kept with it')
    assert.equal((await inLeaf('old'))?.metadata.uid, before.old?.metadata.uid)
    assert.equal(await inRoot('lost'), undefined)
  })

  it('tell of it: an Event, and kosmosctl get orphans', async () => {
    assert.match(await kosmosctl('get', 'orphans'), /leaf1\s+default\s+lost\s+1\/1\s+Running/)
    await eventually('an Event says so', async () => {
      const events = await platform.kubectl(['get', 'events', '-A', '--field-selector=reason=OrphanKept'])
      return /default\/lost/.test(events.stdout)
    })
  })

  it('do not start another of its name beside it, until it is deleted', async () => {
    await platform.apply(pod('lost'))
    await eventually('it says what is in the way', async () => {
      return (await inRoot('lost'))?.status?.containerStatuses?.[0]?.state?.waiting?.reason === 'NameTakenInLeaf'
    })
    const deleted = await kosmosctl('delete', 'orphans', 'default/lost')
    assert.equal(deleted, 'orphan default/lost deleted in leaf1\n')
    await running('lost')
  })

  it('do so too when cluster-tree runs on while the root is restored', async () => {
    const { root } = platform.testbed
    await snapshot(root)
    await aDayOfWork(platform.root)
    await platform.apply(pod('lost-too'))
    await running('lost-too')
    const before = await inLeaf('lost-too')
    await restore(root)
    const lost = await eventually('it is marked', async () => {
      const found = await inLeaf('lost-too')
      return found?.metadata.labels?.[orphanLabel] === 'true' && found
    })
    assert.equal(lost.metadata.uid, before?.metadata.uid)
    assert.equal(lost.metadata.deletionTimestamp, undefined)
    await platform.apply(pod('after'))
    await running('after')
  })

  it('have what a restored leaf has lost replaced by its owner', async () => {
    const [cluster] = platform.testbed.leaves
    assert(cluster)
    await snapshot(cluster)
    await aDayOfWork(leaf())
    const { stderr, code } = await platform.kubectl(['scale', 'deployment', 'web', '--replicas=4'])
    assert.equal(code, 0, stderr)
    const web = async () => await platform.root.listAll(pods, { namespace, labelSelector: 'app=web' })
    const ready = async () => (await web()).filter(({ status }) => status?.phase === 'Running')
    const before = await eventually('four run', async () => (await ready()).length === 4 && (await ready()))
    await restore(cluster)
    await eventually('two others run', async () => {
      const now = await ready()
      const known = now.filter(({ metadata }) => before.some((pod) => pod.metadata.uid === metadata.uid))
      return now.length === 4 && known.length === 2
    })
    const copies = await leaf().listAll(pods, { namespace, labelSelector: 'app=web' })
    assert.equal(copies.length, 4)
  })
})
