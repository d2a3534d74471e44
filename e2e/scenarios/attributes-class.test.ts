import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Client, type PersistentVolumeClaim, persistentVolumeClaims } from '@kosmos/kube'
import { requestCounts } from '../bench/pods/where.ts'
import { pod, storageClass } from '../platform/manifests.ts'
import { readMetrics } from '../platform/metrics.ts'
import { eventually, type Platform, startPlatform } from '../platform/platform.ts'

const namespace = 'default'

const folder = {
  apiVersion: 'v1',
  kind: 'PersistentVolume',
  metadata: { name: 'folder' },
  spec: {
    capacity: { storage: '1Gi' },
    accessModes: ['ReadWriteOnce'],
    storageClassName: 'fast',
    hostPath: { path: '/tmp/folder' },
  },
}

/** What an API server does that does not know the field: what is written is stored without it, and nothing is said. */
const withoutAttributes = [
  {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingAdmissionPolicy',
    metadata: { name: 'without-attributes' },
    spec: {
      matchConstraints: {
        resourceRules: [
          {
            apiGroups: [''],
            apiVersions: ['v1'],
            operations: ['CREATE', 'UPDATE'],
            resources: ['persistentvolumeclaims'],
          },
        ],
      },
      matchConditions: [{ name: 'has', expression: 'has(object.spec.volumeAttributesClassName)' }],
      failurePolicy: 'Fail',
      reinvocationPolicy: 'Never',
      mutations: [
        {
          patchType: 'JSONPatch',
          jsonPatch: { expression: '[JSONPatch{op: "remove", path: "/spec/volumeAttributesClassName"}]' },
        },
      ],
    },
  },
  {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingAdmissionPolicyBinding',
    metadata: { name: 'without-attributes' },
    spec: { policyName: 'without-attributes' },
  },
]

describe('a claim with a VolumeAttributesClass, in a leaf that does not know such classes', () => {
  let platform: Platform
  let leaf: Client
  const kubectl = async (...args: string[]) => {
    const { code, stdout, stderr } = await platform.kubectl(args)
    assert.equal(code, 0, stderr)
    return stdout
  }
  const claimIn = (client: Client): Promise<PersistentVolumeClaim | undefined> =>
    client.get(persistentVolumeClaims, { namespace, name: 'data' })
  const said = async () =>
    JSON.parse(await kubectl('get', 'events', '--field-selector', 'reason=AttributesClassUnsupported', '-o', 'json'))
      .items as { message: string }[]
  const metrics = () => readMetrics(platform.kosmos.secureMetrics)
  /** Patches that the leaf was sent. */
  const patches = async () => requestCounts(await metrics()).get('leaf1 patch') ?? 0
  /** How often a claim was looked at. */
  const looks = async () => {
    const counts = /^kosmos_reconcile_duration_seconds_count\{(?=.*controller="volumes").*\} (\d+)$/gm
    return [...(await metrics()).matchAll(counts)].reduce((sum, [, value]) => sum + Number(value), 0)
  }
  const rest = () =>
    eventually('nobody looks any more', async () => {
      const before = await looks()
      await sleep(1_000)
      return (await looks()) === before
    })

  before(async () => {
    platform = await startPlatform('attributes', { leaves: 1 })
    const [cluster] = platform.testbed.leaves
    assert(cluster && platform.leaves[0])
    leaf = platform.leaves[0]
    const items = [storageClass('fast', 'kubernetes.io/no-provisioner'), folder, ...withoutAttributes]
    const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items })
    const { code, stderr } = await platform.kubectlIn(cluster, ['apply', '-f', '-'], list)
    assert.equal(code, 0, stderr)
    // A policy counts a little later than it is there.
    const probe = {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: 'probe', namespace },
      spec: {
        accessModes: ['ReadWriteOnce'],
        resources: { requests: { storage: '1Mi' } },
        volumeAttributesClassName: 'x',
      },
    }
    await eventually('the leaf drops the field', async () => {
      const created = await leaf.create<PersistentVolumeClaim>(persistentVolumeClaims, probe, { dryRun: true })
      return created.ok && !created.object.spec?.volumeAttributesClassName
    })
    await platform.apply(storageClass('fast', 'leaf.kosmos.io'))
  })
  after(() => platform?.down())

  it('gets its volume without the attributes, and says so', async () => {
    await platform.apply(
      {
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        metadata: { name: 'data', namespace },
        spec: {
          accessModes: ['ReadWriteOnce'],
          storageClassName: 'fast',
          resources: { requests: { storage: '1Gi' } },
          volumeAttributesClassName: 'gold',
        },
      },
      pod('reader', { spec: { volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }] } }),
    )
    await kubectl('wait', '--for=condition=Ready', 'pod/reader', '--timeout=240s')
    await eventually('the claim says so', async () =>
      /Cluster leaf1 does not know VolumeAttributesClasses/.test((await said())[0]?.message ?? ''),
    )
    const inRoot = (await claimIn(platform.root)) ?? assert.fail()
    assert.equal(inRoot.status?.phase, 'Bound')
    assert.equal(inRoot.status?.currentVolumeAttributesClassName, undefined)
    const inLeaf = (await claimIn(leaf)) ?? assert.fail()
    assert.equal(inLeaf.status?.phase, 'Bound')
    assert.equal(inLeaf.spec?.volumeAttributesClassName, undefined)
  })

  it('is not asked for it again when something else of the claim changes', async () => {
    await rest()
    const before = await patches()
    for (const value of ['a', 'b', 'c']) {
      const looked = await looks()
      await kubectl('annotate', '--overwrite', 'pvc', 'data', `example.com/note=${value}`)
      await eventually('it was looked at', async () => (await looks()) > looked)
    }
    await rest()
    assert.equal(await patches(), before)
  })

  it('is asked for another when the root’s asks for that', async () => {
    await rest()
    const before = await patches()
    await kubectl('patch', 'pvc', 'data', '-p', '{"spec":{"volumeAttributesClassName":"silver"}}')
    await eventually('it was asked for', async () => (await patches()) > before)
    const inRoot = (await claimIn(platform.root)) ?? assert.fail()
    assert.equal(inRoot.status?.currentVolumeAttributesClassName, undefined)
  })
})
