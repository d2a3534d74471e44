import assert from 'node:assert/strict'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { explainPod, importVolume, join, silent } from '@kosmos/kosmosctl'
import { type Client, type PersistentVolumeClaim, persistentVolumeClaims, persistentVolumes, pods } from '@kosmos/kube'
import { pod, statefulSet, storageClass } from '../platform/manifests.ts'
import { readMetrics } from '../platform/metrics.ts'
import { eventually, type Platform, startPlatform } from '../platform/platform.ts'

const isRoot = process.getuid?.() === 0
const namespace = 'default'

/** Makes volumes that are folders of the leaf's node. */
const folderBelow = (dir: string) => (name: string, storageClassName: string) => ({
  apiVersion: 'v1',
  kind: 'PersistentVolume',
  metadata: { name },
  spec: {
    capacity: { storage: '2Gi' },
    accessModes: ['ReadWriteOnce'],
    storageClassName,
    persistentVolumeReclaimPolicy: 'Retain',
    hostPath: { path: path.join(dir, name), type: 'DirectoryOrCreate' },
  },
})

const claimSpec = (storageClassName: string) => ({
  accessModes: ['ReadWriteOnce'],
  storageClassName,
  resources: { requests: { storage: '1Gi' } },
})

const claim = (name: string, storageClassName: string) => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { name, namespace },
  spec: claimSpec(storageClassName),
})

const SLEEP = { command: ['sleep', '3600'], volumeMounts: [{ name: 'data', mountPath: '/data' }] }
const mounting = (claimName: string) => [{ name: 'data', persistentVolumeClaim: { claimName } }]

describe('pods whose data lies in a leaf', { skip: isRoot ? false : 'real nodes need root' }, () => {
  let platform: Platform
  let leaf: Client
  const kubectl = (...args: string[]) => platform.kubectl(args)
  const ready = async (name: string) => {
    const { code, stderr } = await kubectl('wait', '--for=condition=Ready', `pod/${name}`, '--timeout=240s')
    assert.equal(code, 0, `${stderr} ${(await kubectl('describe', 'pod', name)).stdout}`)
  }
  const claimIn = (client: Client, name: string): Promise<PersistentVolumeClaim | undefined> =>
    client.get(persistentVolumeClaims, { namespace, name })

  before(async () => {
    platform = await startPlatform('volumes', { leaves: 1, nodes: 'real:1' })
    const [testbedLeaf] = platform.testbed.leaves
    assert(testbedLeaf && platform.leaves[0])
    leaf = platform.leaves[0]
    const classes = ['fast', 'kept'].map((name) => storageClass(name, 'kubernetes.io/no-provisioner'))
    const eager = storageClass('eager', 'kubernetes.io/no-provisioner', { volumeBindingMode: 'Immediate' })
    const folder = folderBelow(platform.testbed.dir)
    const folders = ['a', 'b', 'c', 'e', 'h', 'k'].map((name) => folder(`volumes-${name}`, 'fast'))
    const keptFolders = ['d', 'i'].map((name) => folder(`volumes-${name}`, 'kept'))
    const eagerFolders = ['f', 'j'].map((name) => folder(`volumes-${name}`, 'eager'))
    const items = [...classes, eager, ...folders, ...keptFolders, ...eagerFolders]
    await platform.kubectlIn(
      testbedLeaf,
      ['apply', '-f', '-'],
      JSON.stringify({ apiVersion: 'v1', kind: 'List', items }),
    )
    await platform.apply(
      storageClass('fast', 'leaf.kosmos.io'),
      storageClass('kept', 'leaf.kosmos.io', { reclaimPolicy: 'Retain' }),
      storageClass('eager', 'leaf.kosmos.io', { volumeBindingMode: 'Immediate' }),
      storageClass('unknown', 'leaf.kosmos.io', { volumeBindingMode: 'Immediate' }),
      storageClass('later', 'leaf.kosmos.io'),
      storageClass('gold', 'leaf.kosmos.io'),
    )
  })
  after(() => platform?.down())

  it('of a StatefulSet find it again after they were replaced', async () => {
    await platform.apply(statefulSet('db', claimSpec('fast'), { container: SLEEP }))
    await eventually('the pod is there', () => platform.root.get(pods, { namespace, name: 'db-0' }))
    await ready('db-0')
    await kubectl('exec', 'db-0', '--', 'sh', '-c', 'echo precious > /data/file; sync')
    const { metadata } = (await platform.root.get(pods, { namespace, name: 'db-0' })) ?? assert.fail()
    await kubectl('delete', 'pod', 'db-0')
    await eventually('another pod', async () => {
      const now = await platform.root.get(pods, { namespace, name: 'db-0' })
      return now && now.metadata.uid !== metadata.uid
    })
    await ready('db-0')
    assert.equal((await kubectl('exec', 'db-0', '--', 'cat', '/data/file')).stdout, 'precious\n')
  })

  it('have a claim that is Bound on both sides, as large as the leaf’s volume is', async () => {
    const [inRoot, inLeaf] = await eventually('the root knows how large it is', async () => {
      const both = await Promise.all([claimIn(platform.root, 'data-db-0'), claimIn(leaf, 'data-db-0')])
      return both[0]?.status?.capacity?.storage === '2Gi' && both
    })
    assert.deepEqual([inRoot?.status?.phase, inLeaf?.status?.phase], ['Bound', 'Bound'])
    const volume = await platform.root.get(persistentVolumes, { name: inRoot?.spec?.volumeName ?? '' })
    assert.equal(volume?.spec?.capacity?.storage, '2Gi')
    assert.equal(volume?.metadata.annotations?.['kosmos.io/leaf-claim'], inLeaf?.metadata.uid)
  })

  it('may be deleted with their data: nothing is left in the leaf or in the root', async () => {
    const { spec } = (await claimIn(platform.root, 'data-db-0')) ?? assert.fail()
    await kubectl('delete', 'statefulset', 'db')
    await kubectl('delete', 'pvc', 'data-db-0')
    await eventually('the claim is gone in the leaf', async () => !(await claimIn(leaf, 'data-db-0')))
    await eventually('the volume is gone in the root', async () => {
      return !(await platform.root.get(persistentVolumes, { name: spec?.volumeName ?? '' }))
    })
  })

  it('leave it in the leaf where the class says Retain', async () => {
    await platform.apply(
      claim('ledger', 'kept'),
      pod('keeper', { container: SLEEP, spec: { volumes: mounting('ledger') } }),
    )
    await ready('keeper')
    await kubectl('exec', 'keeper', '--', 'sh', '-c', 'echo kept > /data/file; sync')
    const { spec } = (await claimIn(platform.root, 'ledger')) ?? assert.fail()
    await kubectl('delete', 'pod', 'keeper')
    await kubectl('delete', 'pvc', 'ledger')
    const name = spec?.volumeName ?? ''
    await eventually('the volume is released in the root', async () => {
      return (await platform.root.get(persistentVolumes, { name }))?.status?.phase === 'Released'
    })
    await platform.root.delete(persistentVolumes, { name })
    await eventually(
      'the volume is gone in the root',
      async () => !(await platform.root.get(persistentVolumes, { name })),
    )
    assert.equal((await claimIn(leaf, 'ledger'))?.status?.phase, 'Bound')
  })

  it('get it back with kosmosctl import volume, with what is on it', async () => {
    const options = { cluster: 'leaf1', namespace, name: 'ledger', reclaimPolicy: 'Delete', dryRun: false } as const
    const before = (await claimIn(leaf, 'ledger')) ?? assert.fail()
    const imported = await importVolume(platform.root, options)
    assert.deepEqual([imported.storageClass, imported.capacity], ['kept', '2Gi'])
    await platform.apply(pod('heir', { container: SLEEP, spec: { volumes: mounting('ledger') } }))
    await ready('heir')
    assert.equal((await kubectl('exec', 'heir', '--', 'cat', '/data/file')).stdout, 'kept\n')
    assert.equal((await claimIn(leaf, 'ledger'))?.metadata.uid, before.metadata.uid)
    assert.deepEqual(await importVolume(platform.root, options), imported, 'twice is once')
    // From now on it is the root's to end.
    await kubectl('delete', 'pod', 'heir')
    await kubectl('delete', 'pvc', 'ledger')
    await eventually('the claim is gone in the leaf', async () => !(await claimIn(leaf, 'ledger')))
    await eventually(
      'the volume is gone in the root',
      async () => !(await platform.root.get(persistentVolumes, { name: imported.volume })),
    )
  })

  it('may have an ephemeral volume, which goes with the pod', async () => {
    const volumes = [{ name: 'data', ephemeral: { volumeClaimTemplate: { spec: claimSpec('fast') } } }]
    await platform.apply(pod('scratch', { container: SLEEP, spec: { volumes } }))
    await ready('scratch')
    assert.equal((await claimIn(leaf, 'scratch-data'))?.status?.phase, 'Bound')
    await kubectl('delete', 'pod', 'scratch')
    await eventually('its claim is gone in the leaf', async () => !(await claimIn(leaf, 'scratch-data')))
  })

  it('may have a claim whose class does not wait for them', async () => {
    await platform.apply(claim('early', 'eager'))
    await eventually('it is bound on both sides', async () => {
      const both = await Promise.all([claimIn(platform.root, 'early'), claimIn(leaf, 'early')])
      return both.every((claim) => claim?.status?.phase === 'Bound' && claim.status.capacity?.storage === '2Gi')
    })
    await platform.apply(pod('follower', { container: SLEEP, spec: { volumes: mounting('early') } }))
    await ready('follower')
  })

  it('have a volume of the class that their leaf has for theirs, where the Cluster says so', async () => {
    const patch = { spec: { clusterTreeOptions: { storageClasses: { gold: 'fast' } } } }
    await kubectl('patch', 'clusters.kosmos.io', 'leaf1', '--type=merge', '-p', JSON.stringify(patch))
    await platform.apply(
      claim('renamed', 'gold'),
      pod('miner', { container: SLEEP, spec: { volumes: mounting('renamed') } }),
    )
    await ready('miner')
    await eventually('it is Bound and as large on both sides, each with its own class', async () => {
      const both = await Promise.all([claimIn(platform.root, 'renamed'), claimIn(leaf, 'renamed')])
      const seen = both.map((claim) => `${claim?.status?.phase} ${claim?.status?.capacity?.storage}`)
      assert.deepEqual(
        both.map((claim) => claim?.spec?.storageClassName),
        ['gold', 'fast'],
      )
      return seen.every((one) => one === 'Bound 2Gi')
    })
    await kubectl('delete', 'pod', 'miner')
    await kubectl('delete', 'pvc', 'renamed')
  })

  it('leave nobody busy: no claim is looked at again while nothing changes, and none has failed', async () => {
    const looks = async (result: string) => {
      const metrics = await readMetrics(platform.kosmos.secureMetrics)
      const line = new RegExp(
        `^kosmos_reconcile_duration_seconds_count\\{(?=.*controller="volumes")(?=.*result="${result}").*\\} (\\d+)$`,
        'm',
      )
      return Number(line.exec(metrics)?.[1] ?? 0)
    }
    assert.ok((await looks('ok')) > 0)
    await eventually('nobody looks', async () => {
      const before = await looks('ok')
      await sleep(1_000)
      return (await looks('ok')) === before
    })
    assert.equal(await looks('error'), 0)
  })

  it('use a claim of their own where the leaf has another of that name', async () => {
    await leaf.create(persistentVolumeClaims, claim('ours', 'fast'))
    const foreign = (await claimIn(leaf, 'ours')) ?? assert.fail()
    await platform.apply(claim('ours', 'fast'), pod('owner', { container: SLEEP, spec: { volumes: mounting('ours') } }))
    await ready('owner')
    const copy = (await leaf.get(pods, { namespace, name: 'owner' })) ?? assert.fail()
    const name = copy.spec.volumes?.find(({ name }) => name === 'data')?.persistentVolumeClaim?.claimName ?? ''
    assert.notEqual(name, 'ours')
    assert.equal((await claimIn(leaf, name))?.status?.phase, 'Bound')
    await kubectl('delete', 'pod', 'owner')
    await kubectl('delete', 'pvc', 'ours')
    await eventually('it is gone in the leaf', async () => !(await claimIn(leaf, name)))
    assert.equal((await claimIn(leaf, 'ours'))?.metadata.uid, foreign.metadata.uid)
  })

  it('wait for a volume that the leaf does not make, and its reason is on the claim', async () => {
    await platform.apply(claim('never', 'unknown'))
    await eventually('the claim in the root has the Event of the leaf', async () => {
      const { stdout } = await kubectl('describe', 'pvc', 'never')
      return /ProvisioningFailed .*\(leaf1\) .*"unknown" not found/.test(stdout)
    })
  })

  it('get it when the Cluster says what the leaf calls its class, although the leaf’s claim is there', async () => {
    const patch = { spec: { clusterTreeOptions: { storageClasses: { unknown: 'eager' } } } }
    await kubectl('patch', 'clusters.kosmos.io', 'leaf1', '--type=merge', '-p', JSON.stringify(patch))
    await eventually('it is as large on both sides', async () => {
      const both = await Promise.all([claimIn(platform.root, 'never'), claimIn(leaf, 'never')])
      return both.every((claim) => claim?.status?.capacity?.storage === '2Gi')
    })
    assert.equal((await claimIn(leaf, 'never'))?.spec?.storageClassName, 'eager')
  })

  it('are not sent to a leaf that does not have their class, until it does', async () => {
    await platform.apply(
      claim('hopeful', 'later'),
      pod('patient', { container: SLEEP, spec: { volumes: mounting('hopeful') } }),
    )
    await eventually('the scheduler says so', async () => {
      const seen = await platform.root.get(pods, { namespace, name: 'patient' })
      return seen?.status?.conditions?.some(({ message }) => message?.includes('did not have enough free storage'))
    })
    const [testbedLeaf] = platform.testbed.leaves
    assert(testbedLeaf)
    const volume = folderBelow(platform.testbed.dir)('volumes-g', 'later')
    const items = [storageClass('later', 'kubernetes.io/no-provisioner'), volume]
    const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items })
    await platform.kubectlIn(testbedLeaf, ['apply', '-f', '-'], list)
    await ready('patient')
  })

  it('are sent to no zone that their class does not allow, and to the leaf when it is in one that it does', async () => {
    const [testbedLeaf] = platform.testbed.leaves
    assert(testbedLeaf)
    const zone = { key: 'topology.kubernetes.io/zone', values: ['west'] }
    const allowedTopologies = [{ matchLabelExpressions: [zone] }]
    const volume = folderBelow(platform.testbed.dir)('volumes-l', 'zoned')
    const items = [storageClass('zoned', 'kubernetes.io/no-provisioner'), volume]
    const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items })
    await platform.kubectlIn(testbedLeaf, ['apply', '-f', '-'], list)
    await platform.apply(
      storageClass('zoned', 'leaf.kosmos.io', { allowedTopologies }),
      claim('western', 'zoned'),
      pod('settler', { container: SLEEP, spec: { volumes: mounting('western') } }),
    )
    await eventually('the scheduler says so', async () => {
      const seen = await platform.root.get(pods, { namespace, name: 'settler' })
      return seen?.status?.conditions?.some(({ message }) => message?.includes('available persistent volumes to bind'))
    })
    assert.equal((await claimIn(platform.root, 'western'))?.spec?.volumeName, undefined)
    await platform.kubectlIn(testbedLeaf, ['label', 'node', '--all', `${zone.key}=west`])
    await ready('settler')
    assert.equal((await claimIn(leaf, 'western'))?.status?.phase, 'Bound')
  })

  it('are rid of a claim that was deleted while their leaf was away, once it is back', async () => {
    const [testbedLeaf] = platform.testbed.leaves
    assert(testbedLeaf)
    const { spec } = (await claimIn(platform.root, 'early')) ?? assert.fail()
    await kubectl('delete', 'pod', 'follower')
    await testbedLeaf.kill('kube-apiserver')
    const volume = () => platform.root.get(persistentVolumes, { name: spec?.volumeName ?? '' })
    try {
      await kubectl('delete', 'pvc', 'early')
      await eventually('the root has released the volume, and keeps it', async () => {
        return (await volume())?.status?.phase === 'Released'
      })
    } finally {
      await testbedLeaf.restart('kube-apiserver')
    }
    await eventually('the claim is gone in the leaf', async () => !(await claimIn(leaf, 'early')))
    await eventually('then the volume in the root', async () => !(await volume()))
  })

  it('do not come back empty when the leaf has lost their data', async () => {
    await platform.apply(claim('lost', 'fast'), pod('loser', { container: SLEEP, spec: { volumes: mounting('lost') } }))
    await ready('loser')
    await eventually('the root knows which claim has it', async () => {
      const name = (await claimIn(platform.root, 'lost'))?.spec?.volumeName ?? ''
      return (await platform.root.get(persistentVolumes, { name }))?.metadata.annotations?.['kosmos.io/leaf-claim']
    })
    await kubectl('delete', 'pod', 'loser')
    await leaf.delete(persistentVolumeClaims, { namespace, name: 'lost' })
    await eventually('the leaf has lost it', async () => !(await claimIn(leaf, 'lost')))
    await platform.apply(pod('loser', { container: SLEEP, spec: { volumes: mounting('lost') } }))
    await eventually('the pod says so', async () => {
      return (await platform.root.get(pods, { namespace, name: 'loser' }))?.status?.reason === 'VolumeLostInLeaf'
    })
    assert.equal(await claimIn(leaf, 'lost'), undefined)
  })

  it('are explained: what they need, where it is, and what they wait for', async () => {
    const waiting = await explainPod(platform.root, { namespace, name: 'loser' })
    assert.deepEqual([waiting.cluster, waiting.copy], ['leaf1', undefined])
    const about = ({ kind, name, root, leaf }: (typeof waiting.needs)[number]) => [kind, name, root, leaf].join(' ')
    assert.ok(waiting.needs.map(about).includes('PersistentVolumeClaim lost present missing'))
    assert.match(waiting.waitsFor.join(), /VolumeLostInLeaf: .*restore it in the leaf/)
    await platform.apply(
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings', namespace }, data: { a: 'b' } },
      pod('content', { container: { command: ['sleep', '3600'], envFrom: [{ configMapRef: { name: 'settings' } }] } }),
    )
    await ready('content')
    const running = await explainPod(platform.root, { namespace, name: 'content' })
    assert.deepEqual([running.copy?.phase, running.waitsFor], ['Running', []])
    assert.deepEqual(running.needs.map(about), [
      'ConfigMap settings present current',
      `Tokens kosmos-tokens-${running.pod.uid} not needed current`,
    ])
  })

  it('wait, and say why, when their data is in the root', async () => {
    await platform.apply(folderBelow(platform.testbed.dir)('of-the-root', 'manual'), claim('rooted', 'manual'))
    await platform.apply(pod('misplaced', { container: SLEEP, spec: { volumes: mounting('rooted') } }))
    await eventually('the pod says so', async () => {
      const { status } = (await platform.root.get(pods, { namespace, name: 'misplaced' })) ?? {}
      const said = /Claim rooted: its volume of-the-root of StorageClass manual is the root's, .*sharedStorageClasses/
      return status?.reason === 'VolumeNotInLeaf' && said.test(status.message ?? '')
    })
  })

  it('are sent to no leaf any more once the volume says which node of the root its folder is on', async () => {
    const isThere = { key: 'kubernetes.io/hostname', operator: 'In', values: ['a-node-of-the-root'] }
    const nodeAffinity = { required: { nodeSelectorTerms: [{ matchExpressions: [isThere] }] } }
    const patched = await kubectl('patch', 'pv', 'of-the-root', '-p', JSON.stringify({ spec: { nodeAffinity } }))
    assert.equal(patched.code, 0, patched.stderr)
    await kubectl('delete', 'pod', 'misplaced', '--now')
    await platform.apply(pod('misplaced', { container: SLEEP, spec: { volumes: mounting('rooted') } }))
    await eventually('the scheduler says so', async () => {
      const seen = await platform.root.get(pods, { namespace, name: 'misplaced' })
      return seen?.status?.conditions?.some(({ message }) => /PersistentVolume's node affinity/.test(message ?? ''))
    })
  })

  it('go on when the class of the leaf lets no volume grow, which the claim says in the words of the leaf', async () => {
    await platform.apply(
      claim('tight', 'fast'),
      pod('tight', { container: SLEEP, spec: { volumes: mounting('tight') } }),
    )
    await ready('tight')
    await kubectl('patch', 'storageclass', 'fast', '-p', JSON.stringify({ allowVolumeExpansion: true }))
    const spec = { resources: { requests: { storage: '3Gi' } } }
    const grown = await kubectl('patch', 'pvc', 'tight', '-p', JSON.stringify({ spec }))
    assert.equal(grown.code, 0, grown.stderr)
    await eventually('an Event says so', async () => {
      const { stdout } = await kubectl('describe', 'pvc', 'tight')
      return /RefusedByLeaf .*leaf1 does not accept .*storageclass that provisions the pvc must support resize/.test(
        stdout,
      )
    })
    assert.equal((await kubectl('exec', 'tight', '--', 'ls', '/data')).code, 0)
  })

  it('stay in a leaf that is given up, and are found again when it is joined again', async () => {
    const [testbedLeaf] = platform.testbed.leaves
    assert(testbedLeaf)
    await platform.apply(claim('safe', 'kept'), pod('saver', { container: SLEEP, spec: { volumes: mounting('safe') } }))
    await ready('saver')
    await kubectl('exec', 'saver', '--', 'sh', '-c', 'echo safe > /data/file; sync')
    const { metadata } = (await claimIn(leaf, 'safe')) ?? assert.fail()
    await kubectl('delete', 'pod', 'saver')
    const { code, stderr } = await kubectl('delete', 'clusters.kosmos.io', 'leaf1', '--timeout=240s')
    assert.equal(code, 0, stderr)
    const kept = await claimIn(leaf, 'safe')
    assert.deepEqual([kept?.metadata.uid, kept?.status?.phase], [metadata.uid, 'Bound'])
    assert.equal((await claimIn(platform.root, 'safe'))?.status?.phase, 'Bound')
    const { kubeconfig: file } = testbedLeaf
    await join({ name: 'leaf1', root: { file: platform.testbed.root.kubeconfig }, leaf: { file } }, silent)
    await platform.apply(pod('saver', { container: SLEEP, spec: { volumes: mounting('safe') } }))
    await ready('saver')
    assert.equal((await kubectl('exec', 'saver', '--', 'cat', '/data/file')).stdout, 'safe\n')
  })
})
