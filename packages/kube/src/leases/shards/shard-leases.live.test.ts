import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { liveCluster } from '../../live.fixture.ts'
import { leases } from '../../objects/resources.ts'
import { Replicas } from '../replicas.fixture.ts'
import { ShardLeases } from './shard-leases.ts'

const shards = Array.from({ length: 12 }, (_, i) => `leaf-${i}`)

describe('three replicas that divide shards on a real API server', () => {
  const cluster = liveCluster()
  let replicas: Replicas | undefined
  after(() => replicas?.killAll())

  it('cover each shard, none twice, through a kill, a freeze, a stop, a newcomer and an outage', {
    timeout: 300_000,
  }, async () => {
    const running = new Replicas('divide', cluster.controlPlane.kubeconfig, shards)
    replicas = running
    const [a, b, c] = ['a', 'b', 'c'].map((name) => running.start(name))
    const owners = new Set((await running.owners(shards)).values())
    assert.ok(owners.size > 0)

    await a?.kill()
    const covered = (by: readonly string[]) =>
      running.until((recent) => {
        const fresh = recent.filter(({ at }) => at > Date.now() - 500)
        const users = new Map(fresh.map(({ shard, identity }) => [shard, identity]))
        return shards.every((shard) => by.includes(users.get(shard) ?? '')) ? users : undefined
      })
    await covered(['b', 'c'])

    b?.process.kill('SIGSTOP')
    await covered(['c'])
    b?.process.kill('SIGCONT')
    // Whoever wakes up gets its part back from those who live.
    await running.until((recent) => recent.find(({ identity }) => identity === 'b'))

    await c?.stop()
    await covered(['b'])
    running.start('d')
    await running.until((recent) => recent.find(({ identity }) => identity === 'd'))

    await cluster.controlPlane.kill('kube-apiserver')
    await running.until((recent) => (recent.at(-1) && Date.now() - Number(recent.at(-1)?.at) > 1000) || undefined)
    await cluster.controlPlane.restart('kube-apiserver')
    await running.owners(shards)

    running.assertExclusive()
  })
})

describe('a replica that divides shards', () => {
  const cluster = liveCluster()

  it('writes only its own lease while nothing changes, lets go of what is no more, and leaves nothing behind', async () => {
    const client = await cluster.client()
    const stop = new AbortController()
    const failed: string[] = []
    const division = new ShardLeases({
      client,
      namespace: 'default',
      group: 'alone',
      identity: 'me',
      timing: { leaseDurationMs: 15_000, renewDeadlineMs: 10_000, retryPeriodMs: 100 },
      onShard: (shard) => {
        if (shard !== 'leaf-0' || failed.length > 0) return
        failed.push(shard)
        throw new Error('broken')
      },
      onError: (error) => failed.push(error.message),
    })
    division.setShards(shards)
    const running = division.run(stop.signal)
    const all = () => client.listAll(leases, { namespace: 'default', labelSelector: 'kosmos.io/lease-group=alone' })
    const until = async (holds: () => boolean | Promise<boolean>) => {
      while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20))
    }
    await until(() => division.owned.length === shards.length)
    assert.deepEqual(failed, ['leaf-0', 'broken'])

    const before = await all()
    const member = (list: typeof before) => list.find(({ metadata }) => metadata.name.startsWith('alone-member-me-'))
    const renewed = member(before)?.spec?.renewTime
    await until(async () => member(await all())?.spec?.renewTime !== renewed)
    const versions = (list: typeof before) =>
      list.filter((lease) => lease !== member(list)).map(({ metadata }) => metadata.resourceVersion)
    assert.equal(before.length, shards.length + 1)
    assert.deepEqual(versions(await all()), versions(before))

    division.setShards(shards.slice(0, 2))
    await until(async () => (await all()).length === 3)
    assert.deepEqual(division.owned.toSorted(), shards.slice(0, 2))

    stop.abort()
    await running
    assert.deepEqual(division.owned, [])
    assert.equal(member(await all()), undefined)
  })
})
