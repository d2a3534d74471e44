import type { Command } from 'commander'
import { namespaceOf, type OpenCluster, withClusters } from '../clusters/connect.ts'
import { outputFormats, render } from '../output/print.ts'
import { asked, kindArgument } from '../terminal/asked.ts'
import type { Terminal } from '../terminal/context.ts'
import { outputOption, rootSource, withRootOptions } from '../terminal/options.ts'
import { listClusters } from './clusters.ts'
import { type Listing, listingData, listingNames, listingTable } from './listing.ts'
import { onlyNamed } from './named.ts'
import { listOrphans } from './orphans.ts'
import { listPods } from './pods.ts'
import { listVirtualNodes } from './virtual-nodes.ts'

/** Every word for what can be listed. */
const kinds = {
  ...{ clusters: 'clusters', cluster: 'clusters' },
  ...{ virtualnodes: 'virtualnodes', virtualnode: 'virtualnodes', vn: 'virtualnodes' },
  ...{ pods: 'pods', pod: 'pods', po: 'pods', orphans: 'orphans', orphan: 'orphans' },
} as const

const formats = [...outputFormats, 'name'] as const

interface GetFlags {
  readonly namespace?: string
  readonly allNamespaces?: boolean
  readonly output: (typeof formats)[number]
}

export function addGet(program: Command, terminal: Terminal): void {
  const command = program
    .command('get')
    .summary('list clusters, virtual nodes, pods in leaves, or orphans')
    .description(
      'Lists the Clusters, the virtual nodes, the pods of the root that run in leaves, or those in leaves that the root lost when it was restored from a snapshot (orphans).',
    )
    .addArgument(kindArgument('what to list; also as KIND/NAME', kinds))
    .argument('[names...]', 'only these')
    .option('-n, --namespace <namespace>', 'pods of this namespace (default: that of the context)')
    .option('-A, --all-namespaces', 'pods of all namespaces')
    .addOption(outputOption(formats))
  withRootOptions(command).action(async (first: string, others: string[], flags: GetFlags) => {
    const { kind: what, names } = asked([first, ...others], kinds)
    await withClusters({ root: rootSource(command) }, async ({ root }) => {
      const listing = onlyNamed(await list(what, root, flags, terminal), what, names)
      if (flags.output === 'name') {
        if (listing.items.length > 0) terminal.print(listingNames(listing))
        return
      }
      terminal.print(
        render(flags.output, {
          data: listingData(listing),
          text: (wide) => (listing.rows.length === 0 ? `no ${what} found` : listingTable(listing, wide)),
        }),
      )
    })
  })
}

async function list(what: string, root: OpenCluster, flags: GetFlags, terminal: Terminal): Promise<Listing> {
  switch (what) {
    case 'clusters':
      return await listClusters(root.client)
    case 'virtualnodes':
      return await listVirtualNodes(root.client)
    case 'orphans':
      return await listOrphans(root.client, { namespace: flags.namespace, warn: terminal.progress.warn })
    default: {
      return await listPods(root.client, {
        namespace: flags.allNamespaces ? undefined : (flags.namespace ?? namespaceOf(root)),
        askLeaves: flags.output === 'wide',
        warn: terminal.progress.warn,
      })
    }
  }
}
