import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { silent } from '@kosmos/testbed'
import { schedulerStandby } from '../platform/components.ts'
import { startComponent } from '../platform/kosmos.ts'
import { replicateKubeScheduler } from '../platform/kube-schedulers.ts'
import { type Platform, startPlatform } from '../platform/platform.ts'
import { storm } from './shares/storm.ts'

const PODS = Number(process.env.KOSMOS_STORM_PODS ?? 0)
const seed = Number(process.env.KOSMOS_SEED ?? Date.now() % 1_000_000)
/** Longer than a Lease lasts that is not renewed, so that the other replica leads. */
const PAUSE_MS = 18_000

describe('many pods at once under all sorts of policies', {
  skip: PODS === 0 && 'KOSMOS_STORM_PODS=2000 runs it',
}, () => {
  it('are placed as these say, and never beyond a maximum, while schedulers are killed and paused and pods come and go', async () => {
    console.log(`seed ${seed}: KOSMOS_SEED=${seed} repeats it`)
    const platform = await startPlatform('storm', {
      leaves: 3,
      nodes: `kwok:${Math.ceil(PODS / 60) + 2}`,
      scheduler: true,
    })
    try {
      await startComponent(platform.testbed, schedulerStandby, silent)
      const clusters = platform.testbed.leaves.map(({ name }) => name)
      const kubeSchedulers = await replicateKubeScheduler(platform.testbed, platform.root)
      const disruptions = [
        ...hurt(platform, 'scheduler'),
        kubeSchedulers.killLeader,
        ...hurt(platform, 'scheduler-standby'),
        kubeSchedulers.pauseLeader,
        ...hurt(platform, 'scheduler'),
      ]
      const report = await storm(platform, { namespace: 'default', clusters, pods: PODS, seed, disruptions })
      console.log(JSON.stringify({ seed, pods: PODS, ...report }))
      assert.deepEqual({ faults: report.faults, wrong: report.wrong }, { faults: [], wrong: [] })
    } finally {
      await platform.down()
    }
  })
})

/** A replica is killed and started again, then paused until the other leads, and goes on. */
function hurt({ testbed: { root } }: Platform, replica: string) {
  return [
    async () => {
      await root.kill(replica)
      await root.restart(replica)
    },
    async () => {
      await root.pause(replica)
      await sleep(PAUSE_MS)
      root.resume(replica)
    },
  ]
}
