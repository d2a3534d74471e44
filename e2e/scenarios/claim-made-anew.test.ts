import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { clusterLabel, rootUidAnnotation } from '@kosmos/api'
import { type Client, persistentVolumeClaims, persistentVolumes, pods } from '@kosmos/kube'
import { reviveSchedulers } from '../platform/kube-schedulers.ts'
import { pod } from '../platform/manifests.ts'
import { eventually, type Platform, startPlatform } from '../platform/platform.ts'
import { provideVolumes } from './dependencies/own-volumes.ts'

const ledger = { namespace: 'default', name: 'ledger' }
const writer = { namespace: 'default', name: 'writer' }

describe('a claim that is deleted and made again under its name while its leaf is away', () => {
  const stop = new AbortController()
  let platform: Platform
  let leaf: Client
  const claimIn = (client: Client) => client.get(persistentVolumeClaims, ledger)
  const volumesIn = async (client: Client, labelSelector?: string) =>
    (await client.listAll(persistentVolumes, { labelSelector })).map(({ metadata }) => metadata.name)
  const kubectl = async (...args: string[]) => {
    const { code, stderr } = await platform.kubectl(args)
    assert.equal(code, 0, stderr)
  }
  const useIt = () =>
    platform.apply(
      {
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        metadata: ledger,
        spec: {
          accessModes: ['ReadWriteOnce'],
          storageClassName: 'scratch',
          resources: { requests: { storage: '1Mi' } },
        },
      },
      pod(writer.name, { spec: { volumes: [{ name: 'data', persistentVolumeClaim: { claimName: ledger.name } }] } }),
    )
  const runs = () =>
    eventually('the pod runs', async () => {
      await reviveSchedulers(platform.testbed)
      return (await platform.root.get(pods, writer))?.status?.phase === 'Running'
    })

  before(async () => {
    platform = await startPlatform('claim-made-anew', { leaves: 1, nodes: 'kwok:1' })
    leaf = platform.leaves[0] ?? assert.fail()
    await provideVolumes(platform.root, platform.leaves, ledger.namespace, stop.signal)
    await useIt()
    await runs()
  })
  after(async () => {
    stop.abort()
    await platform?.down()
  })

  it('is another one: what the first had is gone from both sides, and its pod runs with what is new', async () => {
    const [first, firstInLeaf] = await Promise.all([claimIn(platform.root), claimIn(leaf)])
    const [before, beforeInLeaf] = await Promise.all([volumesIn(platform.root, clusterLabel), volumesIn(leaf)])
    assert.deepEqual([before.length, beforeInLeaf.length], [1, 1])
    const [testbedLeaf] = platform.testbed.leaves
    assert(testbedLeaf)
    await testbedLeaf.kill('kube-apiserver')
    try {
      await kubectl('delete', 'pod', writer.name, '--force', '--grace-period=0')
      await kubectl('delete', 'pvc', ledger.name)
      await useIt()
    } finally {
      await testbedLeaf.restart('kube-apiserver')
    }
    const second = (await claimIn(platform.root)) ?? assert.fail()
    assert.notEqual(second.metadata.uid, first?.metadata.uid)
    await eventually('the leaf has the second one', async () => {
      return (await claimIn(leaf))?.metadata.annotations?.[rootUidAnnotation] === second.metadata.uid
    })
    await runs()
    assert.notEqual((await claimIn(leaf))?.metadata.uid, firstInLeaf?.metadata.uid)
    for (const [client, labelSelector, old] of [
      [platform.root, clusterLabel, before],
      [leaf, undefined, beforeInLeaf],
    ] as const) {
      await eventually(`${client.name} has the volume of the second alone`, async () => {
        const now = await volumesIn(client, labelSelector)
        return now.length === 1 && !now.some((name) => old.includes(name))
      })
    }
  })
})
