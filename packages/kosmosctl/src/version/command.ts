import { systemNamespace } from '@kosmos/api'
import type { Command } from 'commander'
import { withClusters } from '../clusters/connect.ts'
import { deployments } from '../clusters/resources.ts'
import { serverVersion } from '../clusters/version.ts'
import { type OutputFormat, render } from '../output/print.ts'
import { table } from '../output/table.ts'
import type { Terminal } from '../terminal/context.ts'
import { explain } from '../terminal/explain.ts'
import { outputOption, rootSource, withRootOptions } from '../terminal/options.ts'
import { ownVersion } from './own.ts'

interface Versions {
  readonly kosmosctl: string
  readonly node: string
  readonly root?: string
  readonly controllers?: Readonly<Record<string, string>>
}

export function addVersion(program: Command, terminal: Terminal): void {
  const command = program
    .command('version')
    .summary('print versions')
    .description('Prints the versions of kosmosctl, of the root and of the controllers in it.')
    .option('--client', 'of kosmosctl only')
    .addOption(outputOption(['table', 'json', 'yaml']))
  withRootOptions(command).action(async (flags: { client?: boolean; output: OutputFormat }) => {
    const own: Versions = { kosmosctl: ownVersion(), node: process.versions.node }
    const versions = flags.client ? own : { ...own, ...(await rootVersions(command, terminal)) }
    terminal.print(render(flags.output, { data: versions, text: () => asTable(versions) }))
  })
}

/** A root that cannot be asked is no reason not to say the rest. */
async function rootVersions(command: Command, terminal: Terminal): Promise<Pick<Versions, 'root' | 'controllers'>> {
  try {
    return await withClusters({ root: rootSource(command) }, async ({ root: { client } }) => {
      const [root, found] = await Promise.all([
        serverVersion(client),
        client.listAll(deployments, { namespace: systemNamespace }).catch(() => []),
      ])
      const controllers = found.map(({ metadata, spec }) => [
        metadata.name,
        spec.template.spec.containers[0]?.image ?? '',
      ])
      return { root, controllers: Object.fromEntries(controllers) }
    })
  } catch (error) {
    const { message, next } = explain(error)
    terminal.progress.warn(next === undefined ? message : `${message}; ${next}`)
    return {}
  }
}

function asTable({ kosmosctl, node, root, controllers = {} }: Versions): string {
  return table(
    ['component', 'version'],
    [
      ['kosmosctl', `${kosmosctl} (Node ${node})`],
      ...(root === undefined ? [] : [['root', root]]),
      ...Object.entries(controllers),
    ],
  )
}
