/**
 * A replica for the live tests, as a process that can be killed and frozen: `elect` or `divide`, then JSON options. It
 * prints a line of JSON for everything it does that only one may do, each time right after asking whether it may.
 */
import { writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from '../client/client.ts'
import { Connection } from '../connection/connection.ts'
import { loadKubeConfig } from '../connection/kubeconfig.ts'
import { createTransport } from '../connection/transport.ts'
import { LeaderElector } from './elector.ts'
import { ShardLeases } from './shards/shard-leases.ts'

export interface ReplicaOptions {
  readonly kubeconfig: string
  readonly identity: string
  readonly shards: readonly string[]
}

export interface Use {
  readonly identity: string
  readonly shard: string
  /** ms since the epoch; all replicas run on one machine. */
  readonly at: number
}

const timing = { leaseDurationMs: 3000, renewDeadlineMs: 2000, retryPeriodMs: 500 }

async function use(identity: string, shard: string, may: () => boolean, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const at = Date.now()
    if (may()) writeSync(1, `${JSON.stringify({ identity, shard, at } satisfies Use)}\n`)
    await sleep(20)
  }
}

const [mode, json = '{}'] = process.argv.slice(2)
const { kubeconfig, identity, shards } = JSON.parse(json) as ReplicaOptions
const client = new Client(
  new Connection('test', await createTransport(loadKubeConfig({ file: kubeconfig }))),
  'kosmos-test',
)
const stop = new AbortController()
process.once('SIGTERM', () => stop.abort())

if (mode === 'elect') {
  const elector = new LeaderElector({
    client,
    lease: { namespace: 'default', name: 'elected' },
    identity,
    ...timing,
    onStarted: (signal) => use(identity, 'elected', () => elector.isLeader, signal),
  })
  await elector.run(stop.signal)
} else {
  const leases = new ShardLeases({
    client,
    namespace: 'default',
    group: 'test',
    identity,
    timing,
    onShard: (shard, signal) => use(identity, shard, () => leases.owns(shard), signal),
  })
  leases.setShards(shards)
  await leases.run(stop.signal)
}
await client.connection.close()
