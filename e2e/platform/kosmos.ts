import { createServer } from 'node:net'
import path from 'node:path'
import { join, type LinkChoices, lines, servesAdmissionPolicies } from '@kosmos/kosmosctl'
import { launch, type Progress, type Testbed } from '@kosmos/testbed'
import { type Component, clusterLink, clusterTree, scheduler } from './components.ts'
import { onRoot, rootCredentials } from './credentials.ts'
import { kubeletsListen } from './kubelet-ports.ts'
import { letReadMetrics, type MetricsPort, rootPki } from './metrics.ts'
import { programOf } from './programs.ts'

/** Our controllers on a test bed, as `kosmos up` prints them. */
export interface Kosmos {
  readonly pids: Readonly<Record<string, number>>
  readonly virtualNodes: readonly string[]
  /** URL of the metrics of the first of our processes (cluster-tree, where there is one) for every process of this machine, where that was wanted. */
  readonly metrics?: string
  /** The same as Prometheus gets it; undefined where none of our processes was started. */
  readonly secureMetrics?: MetricsPort
}

export interface KosmosOptions {
  /** Whether the scheduler runs as well; without it, WorkloadPolicies do nothing. */
  readonly scheduler?: boolean
  /** Whether scripts of this machine may read metrics without TLS and login. */
  readonly plainMetrics?: boolean
  /** Whether leaves become virtual nodes. Default: true. */
  readonly tree?: boolean
  /** What ClusterLink is to be in a leaf; undefined: it is not linked. */
  readonly link?: (leaf: string) => LinkChoices | undefined
}

/** Starts our processes with the rights that they have in production, and joins every leaf as an administrator would. */
export async function upKosmos(testbed: Testbed, progress: Progress, options: KosmosOptions = {}): Promise<Kosmos> {
  const { tree = true, link } = options
  const ports: ComponentPorts[] = []
  const components: Component[] = []
  const start = async (component: Component) => {
    ports.push(await startComponent(testbed, component, progress, options))
    components.push(component)
  }
  // Virtual nodes are waited for by join; the others want the kinds that it installs.
  if (tree) await start(clusterTree)
  const virtualNodes = await joinLeaves(testbed, progress, { tree, link })
  if (options.scheduler) await start(scheduler)
  if (link) await start(clusterLink)
  await onRoot(testbed, (client) => kubeletsListen(client, virtualNodes))
  const pids = Object.fromEntries(components.map((component) => [component.name, pidOf(testbed, component)]))
  const [first] = ports
  if (first === undefined) return { pids, virtualNodes }
  return { pids, virtualNodes, ...first, secureMetrics: await letReadMetrics(testbed, first.secureMetrics) }
}

/** Joins each leaf that is to be anything. @returns the virtual nodes of all */
async function joinLeaves(
  { root, leaves }: Testbed,
  progress: Progress,
  { tree, link }: { readonly tree: boolean; readonly link: KosmosOptions['link'] },
): Promise<string[]> {
  const virtualNodes: string[] = []
  for (const leaf of leaves) {
    const choices = link?.(leaf.name)
    if (!tree && choices === undefined) continue
    const joined = await join(
      {
        name: leaf.name,
        root: { file: root.kubeconfig },
        leaf: { file: leaf.kubeconfig },
        // Said, since it may be a loopback address: the controllers run on this machine.
        server: leaf.server,
        tree,
        link: choices,
      },
      lines((line) => progress.step(`${leaf.name}: ${line}`)),
    )
    virtualNodes.push(...joined.virtualNodes)
  }
  return virtualNodes
}

/** URLs of the metrics of a process, see {@link Kosmos}. */
interface ComponentPorts {
  readonly metrics?: string
  readonly secureMetrics: string
}

/** Starts a process of ours, or starts it again; resolves when it works. */
export async function startComponent(
  testbed: Testbed,
  component: Component,
  progress: Progress,
  { plainMetrics = false }: Pick<KosmosOptions, 'plainMetrics'> = {},
): Promise<ComponentPorts> {
  const { journal, dir, root } = testbed
  const { name } = component
  const https = await freeAddress(root)
  const http = plainMetrics ? await freeAddress(root) : undefined
  const { cert, key, ca } = rootPki(testbed)
  progress.step(`starting ${name}`)
  const program = await programOf(component, dir)
  const kubeconfig = await rootCredentials(testbed, component)
  const { webhook } = component
  const isAsked = webhook !== undefined && !(await onRoot(testbed, servesAdmissionPolicies))
  await launch(journal, {
    id: `root/${name}`,
    argv: [
      process.execPath,
      ...component.nodeFlags,
      program,
      ...['--kubeconfig', kubeconfig, '--https', https, ...(http ? ['--http', http] : [])],
      ...['--tls-cert-file', cert, '--tls-private-key-file', key],
      ...component.args(testbed),
      ...(isAsked ? webhook(testbed) : []),
    ],
    log: path.join(dir, 'logs', `${name}.log`),
    health: { url: `https://${https}/livez`, caFile: ca },
  })
  return { ...(http && { metrics: `http://${http}/metrics` }), secureMetrics: `https://${https}/metrics` }
}

export function pidOf(testbed: Testbed, { name }: Component): number {
  const pid = testbed.journal.process(`root/${name}`)?.pid
  if (pid === undefined) throw new Error(`${name} was not started on test bed ${testbed.name}`)
  return pid
}

/** `ADDRESS:PORT`. On an address that only this root uses: on 127.0.0.1 an outgoing connection may have the port before it is listened at. */
async function freeAddress({ loopback }: Testbed['root']): Promise<string> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, loopback, resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error(`no free port on ${loopback}`)
  return `${loopback}:${address.port}`
}
