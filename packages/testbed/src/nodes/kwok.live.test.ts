import assert from 'node:assert/strict'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Client, type Pod, pods } from '@kosmos/kube'
import { asAdmin } from '../control-plane/admin.ts'
import { downTestbed } from '../testbed/down.ts'
import type { Testbed } from '../testbed/testbed.ts'
import { upTestbed } from '../testbed/up.ts'

const ref = { namespace: 'default', name: 'again' }
const spec = { nodeName: 'kwok-0', automountServiceAccountToken: false, containers: [{ name: 'c', image: 'x' }] }

/** Creates the pod, as soon as the namespace has its ServiceAccount. */
async function create(client: Client): Promise<Pod> {
  for (;;) {
    const created = await client.create(pods, { metadata: ref, spec } as object)
    if (created.ok) return created.object
    assert.match(created.status.message ?? '', /serviceaccount "default" not found/)
    await sleep(100)
  }
}

describe('a simulated node', () => {
  let testbed: Testbed
  before(async () => {
    testbed = await upTestbed({ name: `kwok-${process.pid}`, leaves: 0, rootNodes: 'kwok:1', endsWithProcess: true })
  })
  after(() => downTestbed(testbed.name))

  it('is refused to remove a pod that nobody deletes', async () => {
    const { name, dir } = testbed.root
    await asAdmin(testbed.root, create)
    await asAdmin({ name, kubeconfig: path.join(dir, 'pki', 'kwok.kubeconfig') }, async (kwok) => {
      // An API server takes a second to notice a policy.
      while ((await kwok.delete(pods, ref, { dryRun: true })).ok) await sleep(100)
      const refused = await kwok.delete(pods, ref)
      assert.match(refused.ok ? '' : (refused.status.message ?? ''), /nobody has deleted this pod/)
    })
    await asAdmin(testbed.root, (client) => client.delete(pods, ref, { gracePeriodSeconds: 0 }))
  })

  it('never removes a pod for one that had its name before', async () => {
    await asAdmin(testbed.root, async (client) => {
      for (let round = 0; round < 10; round++) {
        await create(client)
        // The node learns of both deletions late, when the name has been given to another pod.
        await testbed.root.pause('kwok')
        await client.delete(pods, ref, { gracePeriodSeconds: 1 })
        await client.delete(pods, ref, { gracePeriodSeconds: 0 })
        const second = await create(client)
        testbed.root.resume('kwok')
        let seen: Pod | undefined = second
        while (seen && seen.status?.phase !== 'Running') seen = await client.get(pods, ref)
        assert.equal(seen?.metadata.uid, second.metadata.uid)
        await client.delete(pods, ref, { gracePeriodSeconds: 0 })
      }
    })
  })
})
