import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type Client, type PersistentVolumeClaim, persistentVolumeClaims, persistentVolumes, pods } from '@kosmos/kube'
import { csiHostPathData, installCsiHostPath } from '@kosmos/testbed'
import { pod, statefulSet } from '../platform/manifests.ts'
import { eventually, type Platform, startPlatform } from '../platform/platform.ts'

const isRoot = process.getuid?.() === 0
const namespace = 'default'
const MI = 2 ** 20

/** The leaf's driver makes the volumes; the name is that of the leaf's own class. */
const storageClass = {
  apiVersion: 'storage.k8s.io/v1',
  kind: 'StorageClass',
  metadata: { name: 'csi-hostpath' },
  provisioner: 'leaf.kosmos.io',
  volumeBindingMode: 'WaitForFirstConsumer',
  allowVolumeExpansion: true,
}

const claimSpec = (storage: string, more: object = {}) => ({
  accessModes: ['ReadWriteOnce'],
  storageClassName: 'csi-hostpath',
  resources: { requests: { storage } },
  ...more,
})
const claim = (name: string, storage: string, more: object = {}) => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { name, namespace },
  spec: claimSpec(storage, more),
})

const FILES = { command: ['sleep', '3600'], volumeMounts: [{ name: 'data', mountPath: '/data' }] }
const DEVICE = { command: ['sleep', '3600'], volumeDevices: [{ name: 'data', devicePath: '/dev/data' }] }
const using = (claimName: string) => ({ volumes: [{ name: 'data', persistentVolumeClaim: { claimName } }] })

describe('pods whose data a CSI driver of the leaf keeps', { skip: isRoot ? false : 'real nodes need root' }, () => {
  let platform: Platform
  let leaf: Client
  const kubectl = async (...args: string[]) => {
    const { code, stdout, stderr } = await platform.kubectl(args)
    assert.equal(code, 0, stderr)
    return stdout
  }
  const inPod = (name: string, script: string) => kubectl('exec', name, '--', 'sh', '-c', script)
  const ready = async (name: string) => {
    const { code, stderr } = await platform.kubectl(['wait', '--for=condition=Ready', `pod/${name}`, '--timeout=90s'])
    assert.equal(code, 0, `${stderr} ${(await platform.kubectl(['describe', 'pod', name])).stdout}`)
  }
  const claimIn = (client: Client, name: string): Promise<PersistentVolumeClaim | undefined> =>
    client.get(persistentVolumeClaims, { namespace, name })
  /** What the driver keeps, on all nodes of the leaf: a file for each volume. */
  const volumeFiles = () =>
    (platform.testbed.leaves[0]?.nodes ?? []).flatMap((node) =>
      readdirSync(path.join(platform.testbed.dir, 'nodes', node, 'root', csiHostPathData)),
    )
  const volumeOf = async (name: string) =>
    (await claimIn(leaf, name))?.spec?.volumeName ?? assert.fail(`the leaf's claim ${name} has no volume`)
  const grow = async (name: string, storage: string) => {
    await kubectl('patch', 'pvc', name, '-p', JSON.stringify({ spec: { resources: { requests: { storage } } } }))
    await eventually(
      `the root's claim ${name} has ${storage}`,
      async () => (await claimIn(platform.root, name))?.status?.capacity?.storage === storage,
    )
  }

  before(async () => {
    platform = await startPlatform('csi', { leaves: 1, nodes: 'real:2' })
    const [cluster] = platform.testbed.leaves
    assert(cluster && platform.leaves[0])
    leaf = platform.leaves[0]
    await installCsiHostPath(platform.testbed.journal, cluster, { capacity: 512 * MI })
    await platform.apply(storageClass)
  })
  after(() => platform?.down())

  it('of a StatefulSet find it again after they were replaced', async () => {
    const ends = { persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Delete', whenScaled: 'Retain' } }
    await platform.apply(statefulSet('db', claimSpec('64Mi'), { container: FILES }, ends))
    await eventually('the pod is there', () => platform.root.get(pods, { namespace, name: 'db-0' }))
    await ready('db-0')
    await inPod('db-0', 'echo precious > /data/file')
    const { metadata } = (await platform.root.get(pods, { namespace, name: 'db-0' })) ?? assert.fail()
    await kubectl('delete', 'pod', 'db-0')
    await eventually('another pod', async () => {
      const now = await platform.root.get(pods, { namespace, name: 'db-0' })
      return now && now.metadata.uid !== metadata.uid
    })
    await ready('db-0')
    assert.equal(await inPod('db-0', 'cat /data/file'), 'precious\n')
  })

  it('get more room while they use it, when the claim in the root asks for more', async () => {
    const size = async () => Number(await inPod('db-0', "df -m /data | awk 'END { print $2 }'"))
    assert.ok((await size()) < 64)
    await grow('data-db-0', '128Mi')
    assert.ok((await size()) > 100, `the file system has ${await size()} MiB`)
  })

  it('lose it with their StatefulSet, when that says so', async () => {
    const { spec } = (await claimIn(platform.root, 'data-db-0')) ?? assert.fail()
    const volume = await volumeOf('data-db-0')
    assert.ok(volumeFiles().includes(volume))
    await kubectl('delete', 'statefulset', 'db')
    await eventually('the claim is gone in the root', async () => !(await claimIn(platform.root, 'data-db-0')))
    await eventually('the claim is gone in the leaf', async () => !(await claimIn(leaf, 'data-db-0')))
    await eventually('the data is gone', () => !volumeFiles().includes(volume))
    await eventually('the volume is gone in the root', async () => {
      return !(await platform.root.get(persistentVolumes, { name: spec?.volumeName ?? '' }))
    })
  })

  it('may have it as a block device', async () => {
    await platform.apply(
      claim('blocks', '16Mi', { volumeMode: 'Block' }),
      pod('raw', { container: DEVICE, spec: using('blocks') }),
    )
    await ready('raw')
    assert.equal(await inPod('raw', 'blockdev --getsize64 /dev/data'), `${16 * MI}\n`)
    await inPod('raw', 'echo precious | dd of=/dev/data bs=1M seek=8 conv=notrunc,fsync')
    await grow('blocks', '32Mi')
    assert.equal(await inPod('raw', 'blockdev --getsize64 /dev/data'), `${32 * MI}\n`)
    await kubectl('delete', 'pod', 'raw')
    await platform.apply(pod('raw', { container: DEVICE, spec: using('blocks') }))
    await ready('raw')
    assert.equal(await inPod('raw', 'dd if=/dev/data bs=1M skip=8 count=1 2>/dev/null | head -n 1'), 'precious\n')
  })

  it('are told when their volume cannot grow, and may take that back', async () => {
    const request = (storage: string) =>
      kubectl('patch', 'pvc', 'blocks', '-p', JSON.stringify({ spec: { resources: { requests: { storage } } } }))
    const conditions = async () =>
      ((await claimIn(platform.root, 'blocks'))?.status?.conditions ?? []).map(({ type }) => type)
    await request('2Gi')
    await eventually('the claim in the root says so', async () => (await conditions()).includes('NodeResizeError'))
    await request('48Mi')
    await eventually('it has that much', async () => {
      return (await claimIn(platform.root, 'blocks'))?.status?.capacity?.storage === '48Mi'
    })
    await eventually('nothing is wrong any more', async () => !(await conditions()).includes('NodeResizeError'))
  })

  it('may begin with a copy of what another has', async () => {
    const dataSource = { kind: 'PersistentVolumeClaim', name: 'blocks' }
    const node = (await leaf.get(pods, { namespace, name: 'raw' }))?.spec.nodeName
    // A clone lies beside its source, and both are on one node of this leaf.
    const annotations = {
      'kosmos.io/cluster-selector': JSON.stringify({ nodeSelector: { 'kubernetes.io/hostname': node } }),
    }
    await platform.apply(
      claim('copied', '48Mi', { volumeMode: 'Block', dataSource }),
      pod('copier', { container: DEVICE, spec: using('copied'), annotations }),
    )
    await ready('copier')
    assert.equal(await inPod('copier', 'dd if=/dev/data bs=1M skip=8 count=1 2>/dev/null | head -n 1'), 'precious\n')
  })

  it('are not sent to a leaf without room for what they ask, and the claim waits', async () => {
    await platform.apply(claim('huge', '1Gi'), pod('hungry', { container: FILES, spec: using('huge') }))
    await eventually('the scheduler of the root says so', async () => {
      const { status } = (await platform.root.get(pods, { namespace, name: 'hungry' })) ?? {}
      return status?.conditions?.some(({ message }) => /not have enough free storage/.test(message ?? ''))
    })
    assert.equal((await claimIn(platform.root, 'huge'))?.status?.phase, 'Pending')
    assert.equal(await claimIn(leaf, 'huge'), undefined)
  })
})
