import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import { persistentVolumeClaims, persistentVolumes, pods, storageClasses } from '@kosmos/kube'
import { workloadPolicies } from '../policies/resource.ts'
import { namespace, onNode, type SchedulingRoot, startSchedulingRoot } from '../scheduling-root.fixture.ts'

const ofController = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', uid: 'web', controller: true }
const selectedNode = 'volume.kubernetes.io/selected-node'
/** Keeps a pod off every node that has another of these: only kube-scheduler knows. */
const shy = {
  podAntiAffinity: {
    requiredDuringSchedulingIgnoredDuringExecution: [
      { labelSelector: { matchLabels: { app: 'web' } }, topologyKey: 'kubernetes.io/hostname' },
    ],
  },
}
const inLeaf = (name: string) => ({
  required: {
    nodeSelectorTerms: [{ matchExpressions: [{ key: 'kosmos.io/cluster', operator: 'In', values: [name] }] }],
  },
})

describe('a pod with a claim', () => {
  let root: SchedulingRoot
  const metadata = { labels: { app: 'web' }, ownerReferences: [ofController] }
  const using = (claimName: string) => ({ volumes: [{ name: 'data', persistentVolumeClaim: { claimName } }] })
  const tells = async (pattern: RegExp) =>
    await root.eventually(`${pattern}`, () => root.told.some((text) => pattern.test(text)), 'any')
  const claim = async (name: string, spec: object, annotations = {}) =>
    await root.created(persistentVolumeClaims, {
      metadata: { namespace, name, annotations },
      spec: { accessModes: ['ReadWriteMany'], resources: { requests: { storage: '1Gi' } }, ...spec },
    })
  /** Bound, as the controller of volumes leaves it. */
  const boundClaim = async (name: string, parts: object) => {
    const { metadata } = await claim(name, { storageClassName: '', volumeName: name })
    const claimRef = { namespace, name, uid: metadata?.uid }
    const accessModes = ['ReadWriteMany']
    const spec = { capacity: { storage: '1Gi' }, accessModes, claimRef, nfs: { server: 'files', path: '/' }, ...parts }
    await root.created(persistentVolumes, { metadata: { name }, spec })
    const annotations = { 'pv.kubernetes.io/bind-completed': 'yes' }
    await root.client.patch(
      persistentVolumeClaims,
      { namespace, name },
      { metadata: { annotations } },
      { type: 'merge' },
    )
    const status = { phase: 'Bound', accessModes, capacity: { storage: '1Gi' } }
    for (const [kind, ref] of [
      [persistentVolumeClaims, { namespace, name }],
      [persistentVolumes, { name }],
    ] as const) {
      await root.client.patch(kind, ref, { status }, { type: 'merge', subresource: 'status' })
    }
  }
  /** It is kept to leaf1, where another like it is already; each test asks for less, since what was refused in one is for a while. */
  const refused = async (name: string, claimName: string, cpu: number) =>
    await root.pod(name, cpu, { affinity: shy, ...using(claimName) }, metadata)
  const isAnother = async (uid: string, name: string) =>
    await root.eventually(`${name} is evicted`, (pod) => pod?.metadata.uid !== uid, name)
  const uidOf = async (name: string) => (await root.client.get(pods, { namespace, name }))?.metadata.uid

  before(async () => {
    root = await startSchedulingRoot('claims', 2_000)
    for (const name of ['leaf1', 'leaf2']) {
      await root.node(`kosmos-${name}`, {
        labels: { 'kosmos.io/cluster': name, 'kosmos.io/node': 'true', 'kubernetes.io/hostname': name },
        annotations: { 'kosmos.io/free-shapes': '[{"nodes":20,"free":{"cpu":"4","memory":"8Gi","pods":"10"}}]' },
      })
    }
    await root.created(workloadPolicies, {
      metadata: { namespace, name: 'web' },
      spec: {
        topologyKey: 'kosmos.io/cluster',
        labelSelector: { matchLabels: { app: 'web' } },
        allocationPolicy: ['leaf1', 'leaf2'].map((name) => ({ name, weight: 1 })),
        allocationMethod: 'Fill',
        allocationType: 'Required',
        whenUnavailable: 'Spill',
      },
    })
    await root.created(storageClasses, {
      metadata: { name: 'when-used' },
      provisioner: 'example.org/none',
      volumeBindingMode: 'WaitForFirstConsumer',
    })
  })
  /** Nothing is there but one pod in leaf1. */
  beforeEach(async () => {
    for (const { metadata } of await root.client.listAll(pods, { namespace })) {
      await root.client.delete(pods, metadata, { gracePeriodSeconds: 0 })
    }
    await root.pod('first', 0.1, { nodeName: 'kosmos-leaf1' }, { labels: { app: 'web' } })
  })
  after(() => root?.stop())

  it('has its place where the volume is, whichever share comes first', async () => {
    await boundClaim('there', { nodeAffinity: inLeaf('leaf2') })
    await root.pod('there-0', 0.1, using('there'), metadata)
    await root.eventually('it is where its volume is', onNode('kosmos-leaf2'), 'there-0')
  })

  it('is taken back where no node is found for it, while the claim waits for its first pod, and its successor has the volume made in another place', async () => {
    await claim('late', { storageClassName: 'when-used' })
    const { uid } = (await refused('late-0', 'late', 0.3)).metadata
    await isAnother(uid, 'late-0')
    await refused('late-1', 'late', 0.3)
    for (;;) {
      const found = await root.client.get(persistentVolumeClaims, { namespace, name: 'late' })
      const node = found?.metadata.annotations?.[selectedNode]
      if (node === undefined) continue
      assert.equal(node, 'kosmos-leaf2')
      break
    }
  })

  it('stays where no node is found for it while a volume is being made for its node, and goes when that was given up', async () => {
    await claim('begun', { storageClassName: 'when-used' }, { [selectedNode]: 'kosmos-leaf1' })
    const { uid } = (await refused('begun-0', 'begun', 0.2)).metadata
    await tells(/^NotTakenBack begun-0: .*a volume for its claim begun is being made for kosmos-leaf1/)
    assert.equal(await uidOf('begun-0'), uid)
    const annotations = { [selectedNode]: null }
    await root.client.patch(
      persistentVolumeClaims,
      { namespace, name: 'begun' },
      { metadata: { annotations } },
      { type: 'merge' },
    )
    await isAnother(uid, 'begun-0')
  })

  it('stays where its volume is, and goes if every node reaches that, whoever finds it no node', async () => {
    await boundClaim('near', { nodeAffinity: inLeaf('leaf1') })
    await boundClaim('far', {})
    const [near, far] = [await refused('near-0', 'near', 0.1), await refused('far-0', 'far', 0.1)]
    await tells(/^NotTakenBack near-0: .*its claim near has the volume near, which only some nodes reach/)
    await isAnother(far.metadata.uid, 'far-0')
    assert.equal(await uidOf('near-0'), near.metadata.uid)
    const uids: string[] = []
    for (const name of ['near', 'far']) {
      const annotations = { 'kosmos.io/seat': '9', 'kosmos.io/workload-policy': 'web' }
      const spec = { nodeName: 'kosmos-leaf1', nodeSelector: { 'kosmos.io/cluster': 'leaf1' }, ...using(name) }
      const pod = await root.pod(`${name}-1`, 0.1, spec, { ...metadata, annotations })
      const condition = { type: 'kosmos.io/LeafScheduled', status: 'False', reason: 'Unschedulable', message: 'none' }
      const status = { conditions: [{ ...condition, lastTransitionTime: new Date().toISOString() }] }
      await root.client.patch(pods, pod.metadata, { status }, { type: 'strategic', subresource: 'status' })
      uids.push(pod.metadata.uid)
    }
    await tells(/^NotTakenBack near-1: the leaf behind kosmos-leaf1 .*which only some nodes reach/)
    await isAnother(uids[1] ?? '', 'far-1')
    await tells(/^TakenBack far-1: /)
    assert.equal(await uidOf('near-1'), uids[0])
    await root.pod('far-2', 0.1, using('far'), metadata)
    await root.eventually('its successor is elsewhere', onNode('kosmos-leaf2'), 'far-2')
  })
})
