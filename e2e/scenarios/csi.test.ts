import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { type Client, type PersistentVolumeClaim, persistentVolumeClaims, persistentVolumes, pods } from '@kosmos/kube'
import { csiHostPathData, csiHostPathDriver, installCsiHostPath } from '@kosmos/testbed'
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
  const inLeafAsAdmin = async (args: readonly string[], object?: object) => {
    const [cluster] = platform.testbed.leaves
    assert(cluster)
    const { code, stdout, stderr } = await platform.kubectlIn(cluster, args, object && JSON.stringify(object))
    assert.equal(code, 0, stderr)
    return stdout
  }
  const inPod = (name: string, script: string) => kubectl('exec', name, '--', 'sh', '-c', script)
  const ready = async (name: string) => {
    const { code, stderr } = await platform.kubectl(['wait', '--for=condition=Ready', `pod/${name}`, '--timeout=240s'])
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
  const unscheduled = async (name: string, why: RegExp) => {
    const { status } = (await platform.root.get(pods, { namespace, name })) ?? {}
    return status?.conditions?.some(({ message }) => why.test(message ?? ''))
  }
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

  it('lose it when their StatefulSet has fewer of them, where that says so; the others keep theirs, also without it', async () => {
    const ends = { persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Delete' } }
    await platform.apply(statefulSet('queue', claimSpec('32Mi'), { container: FILES }, { ...ends, replicas: 2 }))
    for (const name of ['queue-0', 'queue-1']) {
      await eventually(`${name} is there`, () => platform.root.get(pods, { namespace, name }))
      await ready(name)
      await inPod(name, `echo ${name} > /data/file`)
    }
    const { spec } = (await claimIn(platform.root, 'data-queue-1')) ?? assert.fail()
    const volume = await volumeOf('data-queue-1')
    await kubectl('scale', 'statefulset', 'queue', '--replicas=1')
    await eventually('its claim is gone in the root', async () => !(await claimIn(platform.root, 'data-queue-1')))
    await eventually('and in the leaf', async () => !(await claimIn(leaf, 'data-queue-1')))
    await eventually('its data is gone', () => !volumeFiles().includes(volume))
    await eventually('its volume is gone in the root', async () => {
      return !(await platform.root.get(persistentVolumes, { name: spec?.volumeName ?? '' }))
    })
    assert.equal(await inPod('queue-0', 'cat /data/file'), 'queue-0\n')
    await kubectl('scale', 'statefulset', 'queue', '--replicas=2')
    await eventually('the second is there again', () => platform.root.get(pods, { namespace, name: 'queue-1' }))
    await ready('queue-1')
    assert.equal(await inPod('queue-1', 'ls /data | grep -c file; true'), '0\n')
    const kept = await volumeOf('data-queue-0')
    await kubectl('delete', 'statefulset', 'queue')
    await eventually('no pod is left', async () => !(await platform.root.get(pods, { namespace, name: 'queue-0' })))
    assert.ok(await claimIn(platform.root, 'data-queue-0'))
    assert.ok(volumeFiles().includes(kept))
    await kubectl('delete', 'pvc', 'data-queue-0', 'data-queue-1')
    await eventually('the data is gone when the claim is deleted', () => !volumeFiles().includes(kept))
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
    await eventually('the scheduler of the root says so', () => unscheduled('hungry', /not have enough free storage/))
    assert.equal((await claimIn(platform.root, 'huge'))?.status?.phase, 'Pending')
    assert.equal(await claimIn(leaf, 'huge'), undefined)
  })

  it('may have it for one pod alone, and the root keeps the second one waiting', async () => {
    await platform.apply(
      claim('alone', '32Mi', { accessModes: ['ReadWriteOncePod'] }),
      pod('first', { container: FILES, spec: using('alone') }),
    )
    await ready('first')
    assert.deepEqual((await claimIn(leaf, 'alone'))?.spec?.accessModes, ['ReadWriteOncePod'])
    await platform.apply(pod('second', { container: FILES, spec: using('alone') }))
    await eventually('the scheduler says why', () => unscheduled('second', /ReadWriteOncePod/))
  })

  it('are told on the claim that a volume cannot be made from a snapshot', async () => {
    const dataSource = { apiGroup: 'snapshot.storage.k8s.io', kind: 'VolumeSnapshot', name: 'yesterday' }
    await platform.apply(
      claim('restored', '32Mi', { dataSource }),
      pod('restorer', { container: FILES, spec: using('restored') }),
    )
    await eventually('the claim says so', async () =>
      /DataSourceUnsupported .*cannot be made from a snapshot/.test(await kubectl('describe', 'pvc', 'restored')),
    )
    assert.equal((await claimIn(platform.root, 'restored'))?.status?.phase, 'Pending')
    assert.equal(await claimIn(leaf, 'restored'), undefined)
  })

  it('are told on the claim that a volume of the root cannot be cloned in a leaf', async () => {
    const manual = { storageClassName: 'manual' }
    await platform.apply(
      {
        apiVersion: 'v1',
        kind: 'PersistentVolume',
        metadata: { name: 'folder' },
        spec: {
          ...manual,
          capacity: { storage: '32Mi' },
          accessModes: ['ReadWriteOnce'],
          hostPath: { path: '/tmp/folder' },
        },
      },
      claim('of-the-root', '32Mi', manual),
      claim('cloned', '32Mi', { dataSource: { kind: 'PersistentVolumeClaim', name: 'of-the-root' } }),
      pod('cloner', { container: FILES, spec: using('cloned') }),
    )
    await eventually('the claim says so', async () =>
      /DataSourceElsewhere .*of-the-root has its volume in the root/.test(await kubectl('describe', 'pvc', 'cloned')),
    )
    assert.equal((await claimIn(platform.root, 'cloned'))?.status?.phase, 'Pending')
    assert.equal(await claimIn(leaf, 'cloned'), undefined)
  })

  describe('with a class of attributes', () => {
    const attributesClass = (name: string, parameters: object) =>
      inLeafAsAdmin(['apply', '-f', '-'], {
        apiVersion: 'storage.k8s.io/v1',
        kind: 'VolumeAttributesClass',
        metadata: { name },
        driverName: csiHostPathDriver,
        parameters,
      })
    const ask = (volumeAttributesClassName: string) =>
      kubectl('patch', 'pvc', 'tuned', '-p', JSON.stringify({ spec: { volumeAttributesClassName } }))
    const attributes = async (client: Client) => {
      const { spec, status } = (await claimIn(client, 'tuned')) ?? assert.fail()
      return [spec?.volumeAttributesClassName, status?.currentVolumeAttributesClassName]
    }
    const both = (inRoot: string, inLeaf: string) =>
      eventually(`the volume is ${inRoot} in the root and ${inLeaf} in the leaf`, async () => {
        const seen = [...(await attributes(platform.root)), ...(await attributes(leaf))]
        return isDeepStrictEqual(seen, [inRoot, inRoot, inLeaf, inLeaf])
      })

    it('are told on the claim when the leaf does not have it, and get it when it does', async () => {
      await platform.apply(
        claim('tuned', '32Mi', { volumeAttributesClassName: 'silver' }),
        pod('tuner', { container: FILES, spec: using('tuned') }),
      )
      await eventually('the claim says so', async () =>
        /ProvisioningFailed .*\(leaf1\).*volumeattributesclass.* "silver" not found/.test(
          await kubectl('describe', 'pvc', 'tuned'),
        ),
      )
      await attributesClass('silver', { iops: '100' })
      await ready('tuner')
      await both('silver', 'silver')
    })

    it('get others while they run, by the name that the Cluster has for them', async () => {
      await attributesClass('premium', { iops: '1000' })
      const patch = { spec: { clusterTreeOptions: { volumeAttributesClasses: { gold: 'premium' } } } }
      await kubectl('patch', 'clusters.kosmos.io', 'leaf1', '--type=merge', '-p', JSON.stringify(patch))
      await ask('gold')
      await both('gold', 'premium')
      const name = (await claimIn(platform.root, 'tuned'))?.spec?.volumeName ?? ''
      const volume = await platform.root.get(persistentVolumes, { name })
      assert.equal(volume?.spec?.volumeAttributesClassName, 'gold')
    })

    it('are told on the claim when its driver has no such attributes, and may take that back', async () => {
      const modification = async () => (await claimIn(platform.root, 'tuned'))?.status
      await attributesClass('loud', { colour: 'red' })
      await ask('loud')
      await eventually('the claim says so', async () => {
        const { modifyVolumeStatus, conditions = [] } = (await modification()) ?? {}
        return (
          isDeepStrictEqual(modifyVolumeStatus, { status: 'Infeasible', targetVolumeAttributesClassName: 'loud' }) &&
          conditions.some(({ type, message }) => type === 'ModifyVolumeError' && /no attribute/.test(message ?? ''))
        )
      })
      await ask('gold')
      await both('gold', 'premium')
      await eventually('nothing is wrong any more', async () => {
        const { modifyVolumeStatus, conditions = [] } = (await modification()) ?? {}
        return !modifyVolumeStatus && !conditions.some(({ type }) => type === 'ModifyVolumeError')
      })
    })
  })

  describe('made in the root', () => {
    let node: string
    let volume: string
    const SAN = { name: 'san', capacity: '32Mi' }
    const sharer = (name: string) =>
      pod(name, {
        container: DEVICE,
        spec: using('shared'),
        annotations: {
          'kosmos.io/cluster-selector': JSON.stringify({ nodeSelector: { 'kubernetes.io/hostname': node } }),
        },
      })
    const first = async (name: string) => inPod(name, 'dd if=/dev/data bs=1M count=1 2>/dev/null | head -n 1')

    before(async () => {
      // Storage that both reach, which it takes here from the leaf: what a driver of the root would have made.
      node = platform.testbed.leaves[0]?.nodes[0] ?? assert.fail()
      const origin = claim('origin', SAN.capacity, { volumeMode: 'Block' })
      const annotations = { 'volume.kubernetes.io/selected-node': node }
      await leaf.create(persistentVolumeClaims, { ...origin, metadata: { ...origin.metadata, annotations } })
      volume = await eventually('there is a volume', async () => (await claimIn(leaf, 'origin'))?.spec?.volumeName)
      await platform.apply(
        {
          apiVersion: 'storage.k8s.io/v1',
          kind: 'StorageClass',
          metadata: { name: SAN.name },
          provisioner: csiHostPathDriver,
        },
        {
          apiVersion: 'v1',
          kind: 'PersistentVolume',
          metadata: { name: 'san-1' },
          spec: {
            capacity: { storage: SAN.capacity },
            accessModes: ['ReadWriteOnce'],
            volumeMode: 'Block',
            storageClassName: SAN.name,
            persistentVolumeReclaimPolicy: 'Retain',
            csi: { driver: csiHostPathDriver, volumeHandle: volume },
          },
        },
        claim('shared', SAN.capacity, { storageClassName: SAN.name, volumeMode: 'Block', volumeName: 'san-1' }),
        sharer('writer'),
      )
    })

    it('are not sent to a leaf that does not reach the volume', async () => {
      await eventually('the scheduler says so', () => unscheduled('writer', /exceed max volume count/))
    })

    it('come when its Cluster says that it does, and say so while its account may not describe volumes there', async () => {
      const patch = { spec: { clusterTreeOptions: { sharedStorageClasses: [SAN.name] } } }
      await kubectl('patch', 'clusters.kosmos.io', 'leaf1', '--type=merge', '-p', JSON.stringify(patch))
      await eventually('it says so', async () => {
        const { status } = (await platform.root.get(pods, { namespace, name: 'writer' })) ?? {}
        return status?.reason === 'RefusedByLeaf' && /persistentvolumes.*forbidden/.test(status.message ?? '')
      })
    })

    it('mount it once that is allowed', async () => {
      const role = ['clusterrole', 'kosmos-shared-storage']
      await inLeafAsAdmin(['create', ...role, '--verb=get,create,delete', '--resource=persistentvolumes'])
      const accounts = await inLeafAsAdmin(['get', 'serviceaccounts', '-n', 'kosmos-system', '-o', 'name'])
      const [account] = /kosmos-[0-9a-f-]+/.exec(accounts) ?? assert.fail(accounts)
      const binding = ['clusterrolebinding', 'kosmos-shared-storage', '--clusterrole=kosmos-shared-storage']
      await inLeafAsAdmin(['create', ...binding, `--serviceaccount=kosmos-system:${account}`])
      await ready('writer')
      await inPod('writer', 'echo precious | dd of=/dev/data conv=notrunc,fsync')
      assert.equal((await claimIn(leaf, 'shared'))?.status?.phase, 'Bound')
    })

    it('leave nothing of it in the leaf but what they have written, and the next one reads that', async () => {
      const described = (await claimIn(leaf, 'shared'))?.spec?.volumeName ?? assert.fail()
      await kubectl('delete', 'pod', 'writer')
      await eventually('the claim is gone in the leaf', async () => !(await claimIn(leaf, 'shared')))
      await eventually('so is the volume', async () => !(await leaf.get(persistentVolumes, { name: described })))
      assert.ok(volumeFiles().includes(volume))
      assert.equal((await claimIn(platform.root, 'shared'))?.status?.phase, 'Bound')
      await platform.apply(sharer('reader'))
      await ready('reader')
      assert.equal(await first('reader'), 'precious\n')
    })
  })
})
