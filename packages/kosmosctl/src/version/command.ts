import { systemNamespace } from '@kosmos/api'
import { type Client, isForbidden } from '@kosmos/kube'
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
    .description(
      "Prints the versions of kosmosctl, of the root and of the controllers in it. Of a root that cannot be asked the rest is printed, and the exit code is 1, as kubectl's.",
    )
    .option('--client', 'of kosmosctl only')
    .addOption(outputOption(['table', 'json', 'yaml']))
  withRootOptions(command).action(async (flags: { client?: boolean; output: OutputFormat }) => {
    const own: Versions = { kosmosctl: ownVersion(), node: process.versions.node }
    const asked = flags.client ? {} : await rootVersions(command, terminal)
    const versions = 'failure' in asked ? own : { ...own, ...asked }
    terminal.print(render(flags.output, { data: versions, text: () => asTable(versions) }))
    if ('failure' in asked) throw asked.failure
  })
}

/** A root that cannot be asked is no reason not to say the rest first. */
async function rootVersions(
  command: Command,
  terminal: Terminal,
): Promise<Pick<Versions, 'root' | 'controllers'> | { readonly failure: unknown }> {
  try {
    return await withClusters({ root: rootSource(command) }, async ({ root: { client } }) => {
      const root = await serverVersion(client)
      return { root, controllers: await controllerImages(client, terminal) }
    })
  } catch (failure) {
    return { failure }
  }
}

/** The version of the root is for everybody, the controllers are not. */
async function controllerImages(client: Client, { progress }: Terminal): Promise<Readonly<Record<string, string>>> {
  try {
    const found = await client.listAll(deployments, { namespace: systemNamespace })
    return Object.fromEntries(
      found.map(({ metadata, spec }) => [metadata.name, spec.template.spec.containers[0]?.image ?? '']),
    )
  } catch (error) {
    if (!isForbidden(error)) throw error
    progress.warn(`the versions of the controllers are not known: ${explain(error).message}`)
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
