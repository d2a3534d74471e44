import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { rootClusterLabel } from '@kosmos/api'
import { persistentVolumeClaims, persistentVolumes, pods } from '@kosmos/kube'
import { pod } from '../platform/manifests.ts'
import { eventually, type Platform, startPlatform } from '../platform/platform.ts'
import { provideVolumes } from './dependencies/own-volumes.ts'

const namespace = 'default'

const claim = (name: string) => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { name, namespace },
  spec: {
    accessModes: ['ReadWriteMany'],
    storageClassName: 'scratch',
    resources: { requests: { storage: '1Mi' } },
  },
})
const using = (claimName: string) => ({ volumes: [{ name: 'data', persistentVolumeClaim: { claimName } }] })
/** Sent to a leaf by hand, past the scheduler, as a DaemonSet of the original Kosmos does. */
const boundTo = (cluster: string) => ({ nodeName: `kosmos-${cluster}` })

describe('a claim whose pods go to two leaves', () => {
  const stop = new AbortController()
  let platform: Platform
  const podOf = (name: string) => platform.root.get(pods, { namespace, name })
  const phase = async (name: string) => (await podOf(name))?.status?.phase
  const runs = (name: string) => eventually(`${name} runs`, async () => (await phase(name)) === 'Running')
  /** By name, what of ours each leaf has. */
  const inLeaves = async () =>
    await Promise.all(
      platform.leaves.map(async (leaf) => {
        const ours = { namespace, labelSelector: rootClusterLabel }
        const found = [...(await leaf.listAll(pods, ours)), ...(await leaf.listAll(persistentVolumeClaims, ours))]
        return found.map(({ metadata }) => metadata.name).sort()
      }),
    )

  before(async () => {
    platform = await startPlatform('claim-of-two-leaves', { leaves: 2, nodes: 'kwok:1' })
    await provideVolumes(platform.root, platform.leaves, namespace, stop.signal)
    await platform.apply(claim('ledger'), pod('first', { cluster: 'leaf1', spec: using('ledger') }))
    await runs('first')
  })
  after(async () => {
    stop.abort()
    await platform?.down()
  })

  it('keeps a pod waiting that asks for the other leaf, and the scheduler says why', async () => {
    await platform.apply(pod('asking', { cluster: 'leaf2', spec: using('ledger') }))
    await eventually('it says so', async () => {
      const { conditions = [] } = (await podOf('asking'))?.status ?? {}
      return conditions.some(
        ({ type, status, message }) =>
          type === 'PodScheduled' &&
          status === 'False' &&
          /didn't match PersistentVolume's node affinity/.test(message ?? ''),
      )
    })
  })

  it('sends a pod that may go anywhere to where the volume is', async () => {
    await platform.apply(pod('open', { spec: using('ledger') }))
    await runs('open')
    assert.equal((await podOf('open'))?.spec.nodeName, 'kosmos-leaf1')
  })

  it('is refused to a pod that was put into the other leaf all the same: the pod says where the volume is', async () => {
    await platform.apply(pod('forced', { spec: { ...using('ledger'), ...boundTo('leaf2') } }))
    const said =
      /^PersistentVolumeClaim ledger: its volume pvc-[0-9a-f-]+ is in cluster leaf1, and the pod was bound to a node of leaf2: make it anew with nodeSelector kosmos\.io\/cluster: leaf1$/
    await eventually('it says so', async () => {
      const { status } = (await podOf('forced')) ?? {}
      return status?.reason === 'VolumeNotInLeaf' && said.test(status.message ?? '')
    })
    await eventually('an Event says so', async () => {
      const { stdout } = await platform.kubectl(['describe', 'pod', 'forced'])
      return /Warning\s+VolumeNotInLeaf\s.*is in cluster leaf1/.test(stdout)
    })
  })

  it('is no matter to pods without it, in either leaf', async () => {
    await platform.apply(pod('beside', { cluster: 'leaf2' }))
    await runs('beside')
    assert.deepEqual(await inLeaves(), [['first', 'ledger', 'open'], ['beside']])
    assert.equal(await phase('first'), 'Running')
    assert.equal(await phase('forced'), 'Pending')
  })

  it('gets its volume in one leaf when pods of both are there before it, and the others are refused', async () => {
    await platform.apply(
      pod('left', { spec: { ...using('contested'), ...boundTo('leaf1') } }),
      pod('right', { spec: { ...using('contested'), ...boundTo('leaf2') } }),
    )
    await eventually('both wait for it', async () => {
      const both = await Promise.all(['left', 'right'].map(podOf))
      return both.every((one) => one?.status?.reason === 'ClaimNotFound')
    })
    await platform.apply(claim('contested'))
    const winner = await eventually('one runs, and the other says where the volume is', async () => {
      const both = await Promise.all(['left', 'right'].map(podOf))
      const running = both.filter((one) => one?.status?.phase === 'Running')
      const refused = both.filter((one) => one?.status?.reason === 'VolumeNotInLeaf')
      return running.length === 1 && refused.length === 1 && running[0]
    })
    const home = winner.spec.nodeName === 'kosmos-leaf1' ? 0 : 1
    const found = await inLeaves()
    assert.ok(found[home]?.includes('contested'))
    assert.ok(!found[1 - home]?.includes('contested'))
  })

  it('stays on both sides while pods use it, although somebody has deleted it, and goes with the last of them', async () => {
    const claimIn = (client: typeof platform.root) => client.get(persistentVolumeClaims, { namespace, name: 'ledger' })
    const [leaf] = platform.leaves
    assert(leaf)
    const volume = (await claimIn(platform.root))?.spec?.volumeName ?? assert.fail()
    const kubectl = async (...args: string[]) => {
      const { code, stderr } = await platform.kubectl(args)
      assert.equal(code, 0, stderr)
    }
    await kubectl('delete', 'pvc', 'ledger', '--wait=false')
    await kubectl('delete', 'pod', 'open', 'asking', 'forced', '--timeout=240s')
    const [inRoot, inLeaf] = await Promise.all([claimIn(platform.root), claimIn(leaf)])
    assert.ok(inRoot?.metadata.deletionTimestamp)
    assert.deepEqual([inLeaf?.status?.phase, inLeaf?.metadata.deletionTimestamp], ['Bound', undefined])
    assert.equal(await phase('first'), 'Running')
    await kubectl('delete', 'pod', 'first', '--timeout=240s')
    await eventually('it is gone in the root', async () => !(await claimIn(platform.root)))
    await eventually('and in the leaf', async () => !(await claimIn(leaf)))
    await eventually('so is the volume', async () => !(await platform.root.get(persistentVolumes, { name: volume })))
  })
})
