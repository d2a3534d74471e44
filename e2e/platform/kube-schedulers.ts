import path from 'node:path'
import { type Client, leases } from '@kosmos/kube'
import { launch, type Testbed } from '@kosmos/testbed'
import { eventually } from './platform.ts'

const FIRST = 'kube-scheduler'
const STANDBY = 'kube-scheduler-standby'
const STANDBY_PORT = 10_260
const elects = (does: boolean) => (argv: readonly string[]) => [
  ...argv.filter((one) => !one.startsWith('--leader-elect')),
  `--leader-elect=${does}`,
]

/** Two replicas of the root's kube-scheduler, of which one leads, as in a control plane of several machines. */
export interface KubeSchedulers {
  /** KILL for the leader: the other leads when its Lease has run out, and it comes back as the second. */
  killLeader(): Promise<void>
  /** The leader stands still until the other leads, goes on as if it led, ends since it does not, and comes back as the second. */
  pauseLeader(): Promise<void>
  /** One alone again, which elects nobody. */
  end(): Promise<void>
}

export async function replicateKubeScheduler({ root, journal }: Testbed, client: Client): Promise<KubeSchedulers> {
  const spec = journal.process(`root/${FIRST}`)?.spec
  if (spec === undefined) throw new Error('the root of this test bed has no kube-scheduler')
  const holder = async () => {
    const lease = await client.get(leases, { namespace: 'kube-system', name: 'kube-scheduler' })
    return lease?.spec?.holderIdentity
  }
  const another = (than: string | undefined) =>
    eventually('another kube-scheduler leads', async () => {
      const now = await holder()
      return now && now !== than ? now : undefined
    })
  await root.restart(FIRST, elects(true))
  await another(undefined)
  const url = `https://${root.loopback}:${STANDBY_PORT}/healthz`
  await launch(journal, {
    ...spec,
    id: `root/${STANDBY}`,
    argv: [
      ...elects(true)(spec.argv).filter((one) => !one.startsWith('--secure-port')),
      `--secure-port=${STANDBY_PORT}`,
    ],
    log: path.join(path.dirname(spec.log), `${STANDBY}.log`),
    ...(spec.health && { health: { ...spec.health, url } }),
  })
  let [leader, second] = [FIRST, STANDBY]
  const changeLeader = async (hurt: () => Promise<void>, heal?: () => Promise<unknown>) => {
    const before = await holder()
    await hurt()
    await another(before)
    await heal?.()
    await root.restart(leader)
    ;[leader, second] = [second, leader]
  }
  return {
    killLeader: () => changeLeader(() => root.kill(leader)),
    pauseLeader: () =>
      changeLeader(
        () => root.pause(leader),
        () => {
          root.resume(leader)
          return eventually('who leads no more ends', () => root.pids()[leader] === undefined)
        },
      ),
    end: async () => {
      await root.kill(STANDBY)
      await root.restart(FIRST, elects(false))
    },
  }
}

/**
 * A kube-scheduler ends itself when its cache and the API server contradict each other: after a crash of the latter between
 * a binding and its answer, and when a pod that it had placed has come again under its name while its watch was broken
 * (upstream pkg/scheduler/backend/cache/cache.go, UpdatePod). Whatever runs it starts it again: who has restarted an API server
 * asks for that here while waiting for pods.
 */
export async function reviveSchedulers({ root, leaves }: Testbed): Promise<void> {
  for (const cluster of [root, ...leaves]) {
    if (cluster.pids()[FIRST] === undefined) await cluster.restart(FIRST)
  }
}
