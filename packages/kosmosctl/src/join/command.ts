import { type Command, Option } from 'commander'
import { type OutputFormat, render, toYaml } from '../output/print.ts'
import type { Terminal } from '../terminal/context.ts'
import { WrongUsage } from '../terminal/failure.ts'
import { tellingWhatIsLeft } from '../terminal/interruption.ts'
import { outputOption, parseDuration, rootSource, timeoutOption, withLongRootOptions } from '../terminal/options.ts'
import { join } from './join.ts'
import { type ModelFlags, modelChoice, modelKinds, parseGroup, parseNodeSelector } from './leaf-models.ts'
import { leftOfJoin } from './left.ts'
import type { JoinOptions } from './options.ts'
import { type JoinPlan, planJoin } from './plan.ts'
import type { JoinResult } from './result.ts'
import { parseRootAddress } from './root-address.ts'
import type { LinkChoices } from './root-manifests.ts'

interface JoinFlags extends ModelFlags {
  readonly kubeconfig: string
  readonly context?: string
  readonly server?: string
  readonly rootApiServer?: string
  readonly tokenTtl?: number
  readonly timeout: number
  readonly wait: boolean
  readonly tree?: boolean
  readonly link?: boolean
  readonly networkType?: 'p2p' | 'gateway'
  readonly tunnel?: 'vxlan' | 'wireguard' | 'ipsec'
  readonly ipFamily?: 'all' | 'ipv4' | 'ipv6'
  readonly agentImage?: string
  readonly installCrds: boolean
  readonly dryRun?: boolean
  readonly output: OutputFormat
}

export function addJoin(program: Command, terminal: Terminal): void {
  const command = program
    .command('join')
    .summary('make a cluster a leaf of the root')
    .description(
      'Makes a cluster a leaf of the root: checks both, creates an account with few rights in the leaf, stores its credentials and the Cluster in the root, and waits for the virtual nodes. Run again, it takes up where it stopped and renews the credentials; what is not said again stays as it is. With --link --no-tree and a kubeconfig of the root itself, the root becomes a member of the network.',
    )
    .argument('<name>', 'what the leaf is called in the root')
    .requiredOption('--kubeconfig <file>', 'kubeconfig of the LEAF, of somebody who may create roles there')
    .option('--context <name>', 'context of the LEAF in that kubeconfig')
  withLongRootOptions(command)
    .addOption(
      new Option(
        '--model <model>',
        'what the leaf is in the root: one virtual node, one for each of its nodes, or one for each --group of them (default: as it is, at first cluster)',
      ).choices(modelKinds),
    )
    .option(
      '--node-selector <selector>',
      'labels of the leaf nodes that become virtual nodes, for --model node, such as pool=web or "zone in (a,b)" (default: all that are there now)',
      parseNodeSelector,
    )
    .option(
      '--group <name=selector>',
      'a virtual node kosmos-<name>-0 for the leaf nodes with these labels, such as gpu=pool=gpu; repeat it for more, which must exclude each other',
      parseGroup,
    )
    .option('--server <url>', 'address of the leaf as seen from the root, if it is not the one in the kubeconfig')
    .option(
      '--root-api-server <url>',
      "where pods of the leaf reach the root's API server, or none: then they get no tokens for it (default: as in the root's kubeconfig)",
      parseRootAddress,
    )
    .option('--token-ttl <duration>', 'life of the credentials; the leaf may shorten it (default: 30d)', parseDuration)
    .option('--link', 'connect its pods and Services with those of the other linked clusters (ClusterLink)')
    .option('--tree', 'make virtual nodes (default: as it is, at first yes)')
    .option('--no-tree', 'make no virtual nodes: ClusterLink alone, with --link')
    .addOption(
      new Option(
        '--network-type <type>',
        'with --link: p2p, every node reaches the other clusters by itself, or gateway (default: as it is, at first p2p)',
      ).choices(['p2p', 'gateway']),
    )
    .addOption(
      new Option(
        '--tunnel <kind>',
        'with --link: wireguard or ipsec, encrypted, or vxlan, clear text (default: as it is, at first wireguard for gateway, else vxlan)',
      ).choices(['vxlan', 'wireguard', 'ipsec']),
    )
    .addOption(
      new Option(
        '--ip-family <family>',
        'with --link: which addresses are connected (default: as it is, at first all)',
      ).choices(['all', 'ipv4', 'ipv6']),
    )
    .option(
      '--agent-image <image>',
      'with --link: image of the agents (default: the one that was chosen before, else that of this version)',
    )
    .option('--no-wait', 'do not wait for the virtual nodes')
    .addOption(timeoutOption('how long to wait for the virtual nodes', '2m'))
    .option('--no-install-crds', 'do not install the kind Cluster in the root if it is missing')
    .option('--dry-run', 'check everything, then print the manifests instead of applying them')
    .addOption(outputOption(['table', 'json', 'yaml']))
    .action(async (name: string, flags: JoinFlags) => {
      const options: JoinOptions = {
        name,
        root: rootSource(command, 'leaf'),
        leaf: { file: flags.kubeconfig, context: flags.context },
        server: flags.server,
        rootAPIServer: flags.rootApiServer,
        model: modelChoice(flags),
        tree: flags.tree,
        link: linkChoices(flags),
        agentImage: flags.agentImage,
        timeoutSeconds: flags.wait ? flags.timeout : 0,
        installCrds: flags.installCrds,
        ...(flags.tokenTtl !== undefined && { tokenTtlSeconds: flags.tokenTtl }),
      }
      if (flags.dryRun) {
        const plan = await planJoin(options, terminal.progress)
        terminal.print(flags.output === 'json' ? render('json', { data: plan, text: () => '' }) : planText(plan))
        return
      }
      const result = await tellingWhatIsLeft(
        terminal.progress,
        (step) => leftOfJoin(name, step),
        (progress) => join(options, progress),
      )
      terminal.print(render(flags.output, { data: result, text: () => resultText(result, flags) }))
    })
}

/** What is said of ClusterLink. Throws WrongUsage where that makes no sense. */
function linkChoices({ link, tree, networkType, tunnel, ipFamily, agentImage }: JoinFlags): LinkChoices | undefined {
  const choices = {
    ...(networkType && { networkType }),
    ...(tunnel && { tunnel }),
    ...(ipFamily && { ipFamily }),
  }
  if (link) return choices
  if (tree === false) throw new WrongUsage('--no-tree alone would join nothing', { next: 'say --link as well' })
  if (Object.keys(choices).length === 0 && agentImage === undefined) return undefined
  throw new WrongUsage('--network-type, --tunnel, --ip-family and --agent-image are about ClusterLink', {
    next: 'say --link as well',
  })
}

/** More names than this tell a person less than their number. */
const MANY = 8

function planText({ leaf, root }: JoinPlan): string {
  const documents = (side: string, manifests: readonly unknown[]) =>
    manifests.map((manifest) => `# ${side}\n${toYaml(manifest)}`)
  return [...documents('in the leaf', leaf), ...documents('in the root', root)].join('---\n').trimEnd()
}

function resultText({ cluster, virtualNodes, credentialsExpire }: JoinResult, { link, kubeconfig }: JoinFlags): string {
  const which = virtualNodes.length > MANY ? `${virtualNodes.length} virtual nodes` : virtualNodes.join(', ')
  const nodes = virtualNodes.length > 0 ? `: ${which} Ready` : ''
  const until = credentialsExpire === undefined ? '' : ` (credentials until ${credentialsExpire})`
  const joined = `cluster "${cluster}" joined${nodes}${until}`
  if (!link) return joined
  const hint = `kosmosctl link dns --kubeconfig ${kubeconfig}`
  return `${joined}\nto let its DNS answer names of Services that other clusters export: ${hint}`
}
