import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ShardWorkers } from './workers.ts'

describe('the worker of a shard', { timeout: 120_000 }, () => {
  it('starts again after it failed, also when it fails before it has begun to wait for anything', async () => {
    const again = Promise.withResolvers<void>()
    let starts = 0
    const workers: ShardWorkers = new ShardWorkers({
      onShard: () => {
        if (++starts === 1) throw new Error('broken')
        again.resolve()
      },
      onError: () => {},
      onIdle: () => starts < 2 && workers.start('a'),
    })
    workers.start('a')
    // The pause before the next attempt alone keeps no process alive.
    const alive = setInterval(() => {}, 1_000)
    await again.promise
    clearInterval(alive)
    await workers.stopAll()
    assert.equal(starts, 2)
  })
})
