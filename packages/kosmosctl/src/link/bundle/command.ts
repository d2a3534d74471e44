import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { Command } from 'commander'
import { withClusters } from '../../clusters/connect.ts'
import type { Terminal } from '../../terminal/context.ts'
import { Failure } from '../../terminal/failure.ts'
import { rootSource, withRootOptions } from '../../terminal/options.ts'
import { ownVersion } from '../../version/own.ts'
import { judgedLink } from '../check/check.ts'
import { gatherLinkFacts, membersOf, type OwnKubeconfigs } from '../network/facts.ts'
import { clusterKubeconfigHelp, parseClusterKubeconfig } from '../own-kubeconfigs.ts'
import { archive } from './archive.ts'
import { bundleContents } from './contents.ts'

interface BundleFlags {
  readonly file: string
  readonly clusterKubeconfig?: OwnKubeconfigs
}

/** As many nodes as pairs of them can be gone through in seconds. */
const FEW_NODES = 400

export function addLinkBundle(link: Command, terminal: Terminal): void {
  const command = link
    .command('bundle')
    .summary('configuration and state of ClusterLink in one file, without secrets')
    .description(
      'Writes what is known of the linked clusters into a .tar.gz, to look at later or to send to somebody who helps: Clusters without credentials, ClusterNodes, NodeConfigs, agents, versions, and the result of link check. There are addresses and public keys in it, and no secrets.',
    )
    .requiredOption('-f, --file <file.tar.gz>', 'where to; a file that exists is not overwritten')
    .option('--cluster-kubeconfig <name=file>', clusterKubeconfigHelp, parseClusterKubeconfig)
  withRootOptions(command).action(async ({ file, clusterKubeconfig }: BundleFlags) => {
    const files = await withClusters({ root: rootSource(command) }, async ({ root }) => {
      const open = membersOf(root.client, clusterKubeconfig ?? new Map())
      const facts = await terminal.progress.step('looking at linked clusters', () => gatherLinkFacts(root.client, open))
      const all = new Set(facts.clusters.map(({ name }) => name))
      const count = facts.clusters.reduce((sum, { nodes }) => sum + nodes.length, 0)
      return bundleContents(facts, judgedLink(facts, all, count <= FEW_NODES), ownVersion())
    })
    const folder = path.basename(file).replace(/\.(tar\.gz|tgz)$/, '')
    await write(file, await archive(folder, files, new Date()))
    terminal.print(`${file}: ${files.size} files`)
  })
}

async function write(file: string, content: Buffer): Promise<void> {
  try {
    await writeFile(file, content, { flag: 'wx', mode: 0o600 })
  } catch (cause) {
    const isThere = (cause as NodeJS.ErrnoException).code === 'EEXIST'
    throw new Failure(isThere ? `${file} exists` : `${file} cannot be written: ${(cause as Error).message}`, {
      next: 'give another --file',
      cause,
    })
  }
}
