import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import type { Command } from 'commander'
import { namespaceOf, withClusters } from '../clusters/connect.ts'
import { counted } from '../output/counted.ts'
import { type OutputFormat, render } from '../output/print.ts'
import { table } from '../output/table.ts'
import { candidatesText } from '../placement/candidates-text.ts'
import type { Terminal } from '../terminal/context.ts'
import { Failure } from '../terminal/failure.ts'
import { outputOption, parseCount, rootSource, withRootOptions } from '../terminal/options.ts'
import { type Simulation, simulateWorkload } from './simulate.ts'

interface SimulateFlags {
  readonly filename: string
  readonly namespace?: string
  readonly replicas?: number
  readonly without?: string
  readonly output: OutputFormat
}

export function addSimulate(program: Command, terminal: Terminal): void {
  const command = program
    .command('simulate')
    .summary('say where the pods of a workload would go')
    .description(
      'Decides about the pods of a Deployment, StatefulSet, ReplicaSet or Job as the scheduler would if it were created now, by the same function, and says which of them a ResourceQuota refuses. Changes nothing.',
    )
    .requiredOption(
      '-f, --filename <file>',
      'manifest of the workload, and of WorkloadPolicies, DistributionPolicies, ClusterDistributionPolicies and Namespaces that count as if they were in the root; - is stdin',
    )
    .option('-n, --namespace <namespace>', 'namespace of what names none (default: that of the context)')
    .option('--replicas <count>', 'how many pods (default: as the manifest says)', parseCount)
    .option('--without <cluster>', 'as if this cluster were away')
    .addOption(outputOption(['table', 'json', 'yaml']))
  withRootOptions(command).action(async (flags: SimulateFlags) => {
    const manifest = await read(flags.filename)
    await withClusters({ root: rootSource(command) }, async ({ root }) => {
      const { replicas, without } = flags
      const namespace = flags.namespace ?? namespaceOf(root)
      const simulation = await simulateWorkload(root.client, { manifest, namespace, replicas, without })
      terminal.print(render(flags.output, { data: simulation, text: () => simulationText(simulation) }))
    })
  })
}

async function read(file: string): Promise<string> {
  try {
    return file === '-' ? await text(process.stdin) : await readFile(file, 'utf8')
  } catch (error) {
    throw new Failure(`${file} cannot be read: ${(error as NodeJS.ErrnoException).code ?? (error as Error).message}`, {
      next: 'name the manifest of the workload: --filename FILE, or - for stdin',
      cause: error,
    })
  }
}

/** For people. */
export function simulationText({ workload, replicas, policy, outcomes, candidates, notes }: Simulation): string {
  const by = policy === undefined ? 'no WorkloadPolicy places it' : `placed by WorkloadPolicy ${policy}`
  const rows = outcomes.map(({ pods, value, node, what }) => [String(pods), value ?? node ?? '', what])
  const scores = candidates.length > 0 ? `\n\n${candidatesText(candidates)}` : ''
  const remarks = notes.map((note) => `\n\nnote: ${note}`).join('')
  return `${workload}, ${counted(replicas, 'pod')}: ${by}\n\n${table(['pods', 'value', 'each'], rows)}${preemptionText(outcomes)}${scores}${remarks}`
}

/** Who gives way is for the stock scheduler to say, so all are named whom it may take. */
function preemptionText(outcomes: Simulation['outcomes']): string {
  const lines = outcomes.flatMap(({ preemption = [] }) =>
    preemption.map(({ node, couldGiveWay }) => {
      const [shown, more] = [couldGiveWay.slice(0, MOST_NAMED), couldGiveWay.length - MOST_NAMED]
      return `no room on ${node} without preemption; ${counted(couldGiveWay.length, 'pod')} of a lower priority could give way: ${shown.join(', ')}${more > 0 ? `, and ${more} more` : ''}`
    }),
  )
  return lines.length > 0 ? `\n\n${lines.join('\n')}` : ''
}

const MOST_NAMED = 10
