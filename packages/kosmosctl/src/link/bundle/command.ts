import { type Command, Option } from 'commander'
import { withClusters } from '../../clusters/connect.ts'
import { type OutputFormat, render } from '../../output/print.ts'
import type { Terminal } from '../../terminal/context.ts'
import { outputOption, rootSource, withRootOptions } from '../../terminal/options.ts'
import { ownVersion } from '../../version/own.ts'
import { judgedLink } from '../check/check.ts'
import { gatherLinkFacts, membersOf, type OwnKubeconfigs } from '../network/facts.ts'
import { clusterKubeconfigHelp, parseClusterKubeconfig } from '../own-kubeconfigs.ts'
import { bundleContents } from './contents.ts'
import { usualFile, writeArchive, writeFolder } from './write.ts'

interface BundleFlags {
  readonly file?: string
  readonly outputDirectory?: string
  readonly clusterKubeconfig?: OwnKubeconfigs
  readonly output: OutputFormat
}

/** As many nodes as pairs of them can be gone through in seconds. */
const FEW_NODES = 400

export function addLinkBundle(link: Command, terminal: Terminal): void {
  const folderOption = new Option(
    '--output-directory <folder>',
    'into this folder, as files, instead of an archive; it must be new or empty',
  )
  const command = link
    .command('bundle')
    .summary('configuration and state of ClusterLink in one file, without secrets')
    .description(
      'Writes what is known of the linked clusters into a .tar.gz, to look at later or to send to somebody who helps: Clusters without credentials, ClusterNodes, NodeConfigs, agents, versions, and the result of link check. There are addresses and public keys in it, and no secrets.',
    )
    .option(
      '-f, --file <file.tar.gz>',
      'where to (default: kosmos-link-<time>.tar.gz here); a file that exists is not overwritten',
    )
    .addOption(folderOption.conflicts('file'))
    .option('--cluster-kubeconfig <name=file>', clusterKubeconfigHelp, parseClusterKubeconfig)
    .addOption(outputOption(['table', 'json', 'yaml']))
  withRootOptions(command).action(async ({ file, outputDirectory, clusterKubeconfig, output }: BundleFlags) => {
    const files = await withClusters({ root: rootSource(command) }, async ({ root }) => {
      const open = membersOf(root.client, clusterKubeconfig ?? new Map())
      const facts = await terminal.progress.step('looking at linked clusters', () => gatherLinkFacts(root.client, open))
      const all = new Set(facts.clusters.map(({ name }) => name))
      const count = facts.clusters.reduce((sum, { nodes }) => sum + nodes.length, 0)
      return bundleContents(facts, judgedLink(facts, all, count <= FEW_NODES), ownVersion())
    })
    const now = new Date()
    const path = outputDirectory ?? file ?? usualFile(now)
    await (outputDirectory === undefined ? writeArchive(path, files, now) : writeFolder(path, files))
    const data = { path, files: [...files.keys()] }
    terminal.print(render(output, { data, text: () => `${path}: ${files.size} files` }))
  })
}
