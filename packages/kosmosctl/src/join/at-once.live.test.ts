import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { secrets } from '@kosmos/kube'
import { clusterId } from '../clusters/identity.ts'
import { openLeaf } from '../clusters/leaf.ts'
import { leafIdAnnotation } from '../clusters/names.ts'
import { clusters } from '../clusters/resources.ts'
import { changesSince, inventory, liveClusters } from '../live.fixture.ts'
import { explain } from '../terminal/explain.ts'
import { silent } from '../terminal/progress.ts'
import { unjoin } from '../unjoin/unjoin.ts'
import { join } from './join.ts'
import { JoinRefused } from './look.ts'

const rounds = 8

describe('two leaves that are joined under one name at once', { timeout: 600_000 }, () => {
  const { root, paris, rome } = liveClusters(['root', 'paris', 'rome'])
  const leaves = [paris, rome]

  it('are one: Cluster and credentials are of the same leaf, and in the other one nothing is left', async () => {
    // Installs the kinds, which both would do otherwise; a later round has no other trace of an earlier one.
    const options = { name: 'leaf', root: root.source, timeoutSeconds: 0 }
    let refusedLate = 0
    for (let round = 0; round < rounds; round++) {
      const before = await Promise.all(leaves.map(({ client }) => inventory(client)))
      const results = await Promise.allSettled(leaves.map((leaf) => join({ ...options, leaf: leaf.source }, silent)))
      const [joined, ...others] = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
      const [failure] = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []))
      assert.ok(
        joined && others.length === 0,
        `${results.length - others.length} of ${results.map(({ status }) => status)}`,
      )
      if (!(failure instanceof JoinRefused)) {
        refusedLate++
        assert.match(explain(failure).message, /"leaf" was not joined: another leaf is being joined under that name/)
      }

      const cluster = (await root.client.get(clusters, { name: 'leaf' })) ?? assert.fail()
      assert.equal(cluster.metadata.annotations?.[leafIdAnnotation], joined.leaf.id)
      const { client } = await openLeaf(root.client, cluster)
      assert.equal(await clusterId(client), joined.leaf.id)
      await client.connection.close()

      const loser = results.findIndex(({ status }) => status === 'rejected')
      const { client: spared } = leaves[loser] ?? assert.fail()
      // What an earlier round has left to the garbage collector may go meanwhile.
      assert.deepEqual((await changesSince(before[loser] ?? [], spared)).added, [])
      await unjoin({ name: 'leaf', root: root.source, leaf: leaves[1 - loser]?.source }, silent)
      assert.equal(await root.client.get(secrets, { namespace: 'kosmos-system', name: 'cluster-leaf' }), undefined)
    }
    assert.ok(refusedLate > 0, 'one was always there before the other had begun')
  })
})
