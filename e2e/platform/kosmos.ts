import { createServer } from 'node:net'
import path from 'node:path'
import { bundleClusterTree, nodeFlags } from '@kosmos/cluster-tree/build'
import { join, lines } from '@kosmos/kosmosctl'
import { launch, type Progress, type Testbed } from '@kosmos/testbed'
import { rootCredentials } from './credentials.ts'

const component = 'cluster-tree'

/** Our controllers on a test bed, as `kosmos up` prints them. */
export interface Kosmos {
  readonly pids: Readonly<Record<string, number>>
  readonly virtualNodes: readonly string[]
  /** URL of the Prometheus metrics of cluster-tree. */
  readonly metrics: string
}

/** Starts cluster-tree with the rights that it has in production, and joins every leaf as an administrator would. */
export async function upKosmos(testbed: Testbed, progress: Progress): Promise<Kosmos> {
  const metrics = await startClusterTree(testbed, progress)
  const virtualNodes: string[] = []
  for (const leaf of testbed.leaves) {
    const joined = await join(
      { name: leaf.name, root: { file: testbed.root.kubeconfig }, leaf: { file: leaf.kubeconfig } },
      lines((line) => progress.step(`${leaf.name}: ${line}`)),
    )
    virtualNodes.push(...joined.virtualNodes)
  }
  return { pids: { [component]: clusterTreePid(testbed) }, virtualNodes, metrics }
}

/** Starts cluster-tree, or starts it again; resolves with the URL of its metrics when it works. */
export async function startClusterTree(testbed: Testbed, progress: Progress): Promise<string> {
  const { root, journal, dir } = testbed
  const http = `127.0.0.1:${await freePort()}`
  progress.step('starting cluster-tree')
  const program = path.join(dir, `${component}.mjs`)
  await bundleClusterTree(program)
  await launch(journal, {
    id: `root/${component}`,
    argv: [
      process.execPath,
      ...nodeFlags,
      program,
      '--kubeconfig',
      await rootCredentials(testbed),
      '--node-address',
      new URL(root.server).hostname,
      '--kubelet-port',
      '0',
      '--http',
      http,
    ],
    log: path.join(dir, 'logs', `${component}.log`),
    health: { url: `http://${http}/livez` },
  })
  return `http://${http}/metrics`
}

export function clusterTreePid(testbed: Testbed): number {
  const pid = testbed.journal.process(`root/${component}`)?.pid
  if (pid === undefined) throw new Error(`cluster-tree was not started on test bed ${testbed.name}`)
  return pid
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no free port on 127.0.0.1')
  return address.port
}
