import { setTimeout as sleep } from 'node:timers/promises'
import { Client, Connection, createTransport, loadKubeConfig } from '@kosmos/kube'
import { type ControlPlane, downTestbed, silent, type Testbed, type UpOptions, upTestbed } from '@kosmos/testbed'
import { type CommandResult, command } from './command.ts'
import { clusterTree, scheduler } from './components.ts'
import { type Kosmos, type KosmosOptions, startComponent, upKosmos } from './kosmos.ts'

/** A root with leaves joined to it, as a scenario uses it. */
export interface Platform {
  readonly testbed: Testbed
  readonly kosmos: Kosmos
  readonly root: Client
  /** In the order of the test bed's leaves. */
  readonly leaves: readonly Client[]
  /** The real kubectl against the root; `input` goes to its stdin. */
  kubectl(args: readonly string[], input?: string, env?: Readonly<Record<string, string>>): Promise<CommandResult>
  kubectlIn(
    cluster: ControlPlane,
    args: readonly string[],
    input?: string,
    env?: Readonly<Record<string, string>>,
  ): Promise<CommandResult>
  /** Applies manifests to the root; throws if kubectl does not take them. */
  apply(...manifests: object[]): Promise<void>
  /** KILL: what our process does when its machine dies. */
  killClusterTree(): Promise<void>
  startClusterTree(): Promise<void>
  killScheduler(): Promise<void>
  startScheduler(): Promise<void>
  down(): Promise<void>
}

/** Starts a test bed of its own with Kosmos on it; `down` removes everything. */
export async function startPlatform(
  name: string,
  options: Omit<UpOptions, 'name'> & KosmosOptions = {},
): Promise<Platform> {
  const testbed = await upTestbed({
    nodes: 'kwok:3',
    ...options,
    name: `${name}-${process.pid}`,
    endsWithProcess: true,
  })
  const connections: Connection[] = []
  const connect = async (cluster: ControlPlane) => {
    const connection = new Connection(cluster.name, await createTransport(loadKubeConfig({ file: cluster.kubeconfig })))
    connections.push(connection)
    return new Client(connection, 'scenario')
  }
  const down = async () => {
    await Promise.all(connections.map((connection) => connection.close()))
    await downTestbed(testbed.name)
  }
  try {
    const kosmos = await upKosmos(testbed, silent, options)
    const kubectlIn: Platform['kubectlIn'] = (cluster, args, input, env) =>
      command(testbed.bin.kubectl ?? 'kubectl', ['--kubeconfig', cluster.kubeconfig, ...args], input, env)
    const kubectl: Platform['kubectl'] = (args, input, env) => kubectlIn(testbed.root, args, input, env)
    return {
      testbed,
      kosmos,
      root: await connect(testbed.root),
      leaves: await Promise.all(testbed.leaves.map(connect)),
      kubectl,
      kubectlIn,
      apply: async (...manifests) => {
        const list = { apiVersion: 'v1', kind: 'List', items: manifests }
        const { code, stderr } = await kubectl(['apply', '-f', '-'], JSON.stringify(list))
        if (code !== 0) throw new Error(`kubectl apply: ${stderr}`)
      },
      killClusterTree: () => testbed.root.kill('cluster-tree'),
      startClusterTree: async () => void (await startComponent(testbed, clusterTree, silent)),
      killScheduler: () => testbed.root.kill('scheduler'),
      startScheduler: async () => void (await startComponent(testbed, scheduler, silent)),
      down,
    }
  } catch (error) {
    await down()
    throw error
  }
}

/**
 * Waits until `look` returns something true, and returns it; throws with the last thing seen. The time only bounds a test
 * that would never end, it is no expectation: a kubelet and a program that each look once a minute take two and a half.
 */
export async function eventually<T>(
  what: string,
  look: () => Promise<T | false | undefined> | T | false | undefined,
): Promise<T> {
  const deadline = Date.now() + 240_000
  let last: unknown
  while (Date.now() < deadline) {
    try {
      const seen = await look()
      if (seen) return seen
      last = seen
    } catch (error) {
      last = error
    }
    await sleep(200)
  }
  throw new Error(`never: ${what}`, { cause: last })
}
