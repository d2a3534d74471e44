import { existsSync } from 'node:fs'
import { constants } from 'node:os'
import { Command, InvalidArgumentError, Option } from 'commander'
import { installCsiHostPath } from './addons/install-csi-hostpath.ts'
import type { ControlPlane } from './control-plane/control-plane.ts'
import { type Cni, cnis, isFlannel } from './nodes/real/network/cni.ts'
import { isHealthy } from './processes/health.ts'
import { isAlive } from './processes/identity.ts'
import { Journal } from './processes/journal.ts'
import { progressOn } from './progress.ts'
import { attachTestbed } from './testbed/attach.ts'
import { downTestbed } from './testbed/down.ts'
import { testbedDir, testbedNames } from './testbed/places.ts'
import { checkName, hasRealNodes, parseNodes } from './testbed/plan.ts'
import { summary, type Testbed } from './testbed/testbed.ts'
import { upTestbed } from './testbed/up.ts'

interface NameOption {
  readonly name: string
}
interface JsonOption {
  readonly json?: boolean
}

interface UpCommand extends NameOption, JsonOption {
  readonly leaves: number
  readonly nodes: string
  readonly rootNodes: string
  readonly csi?: boolean
  readonly cni: Cni
}

const progress = progressOn(process.stderr)
const print = (value: object): void => console.log(JSON.stringify(value))

/** Shows a parse error as a usage error of its option (exit code 2). */
function validated<T>(parse: (text: string) => T): (text: string) => string {
  return (text) => {
    try {
      parse(text)
      return text
    } catch (error) {
      throw new InvalidArgumentError(error instanceof Error ? error.message : String(error))
    }
  }
}

function leafCount(text: string): number {
  if (!/^\d{1,2}$/.test(text) || Number(text) > 63) throw new InvalidArgumentError('write a number from 0 to 63')
  return Number(text)
}

function show(testbed: Testbed): void {
  console.log(`test bed ${testbed.name} is up`)
  for (const cluster of [testbed.root, ...testbed.leaves]) {
    console.log(
      `  ${cluster.name.padEnd(8)} ${cluster.server.padEnd(28)} ${cluster.nodes.length} node${cluster.nodes.length === 1 ? '' : 's'}`,
    )
    console.log(`  ${''.padEnd(8)} export KUBECONFIG=${cluster.kubeconfig}`)
  }
}

function withRealNodes(
  { root, leaves }: Testbed,
  { nodes, rootNodes }: Pick<UpCommand, 'nodes' | 'rootNodes'>,
): ControlPlane[] {
  return [...(parseNodes(rootNodes).real > 0 ? [root] : []), ...(parseNodes(nodes).real > 0 ? leaves : [])]
}

/** Who calls an `up` off learns that what it has started runs on. @returns what ends that */
function tellingWhatIsLeft(name: string): () => void {
  const tell = (signal: 'SIGINT' | 'SIGTERM') => {
    const down = `npm run testbed -- down --name ${name}`
    const what = existsSync(testbedDir(name))
      ? `what was started runs on until ${down}, or until the next up of this name, which begins anew`
      : 'nothing was started yet; what was built is kept'
    console.error(`\ninterrupted: ${what}`)
    process.exit(128 + constants.signals[signal])
  }
  process.once('SIGINT', tell)
  process.once('SIGTERM', tell)
  return () => process.removeListener('SIGINT', tell).removeListener('SIGTERM', tell)
}

const program = new Command('npm run testbed --')
  .description('Real Kubernetes clusters on this machine: a root and leaves')
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))
const named = (command: Command): Command =>
  command.option('--name <name>', 'name of the test bed', validated(checkName), 'kosmos')

named(program.command('up'))
  .description('start a root and leaf clusters; they run on when this command has ended')
  .option('--leaves <count>', 'number of leaf clusters', leafCount, 2)
  .option('--nodes <kind:count>', 'nodes of each leaf: kwok:COUNT, real:COUNT', validated(parseNodes), 'kwok:10')
  .option('--root-nodes <kind:count>', 'ordinary nodes of the root', validated(parseNodes), 'none')
  .addOption(new Option('--cni <plug-in>', 'network of the pods of real nodes').choices(cnis).default('ptp'))
  .option('--csi', 'run a CSI driver on real nodes, with the StorageClass csi-hostpath')
  .option('--json', 'print one JSON object')
  .action(async ({ csi, cni, ...options }: UpCommand, command: Command) => {
    const { name, leaves } = options
    const areReal = hasRealNodes({ leaves, nodes: parseNodes(options.nodes), rootNodes: parseNodes(options.rootNodes) })
    if ((csi || isFlannel(cni)) && !areReal) {
      const what = csi ? '--csi' : `--cni ${cni}`
      command.error(`error: ${what} is for real nodes: add --nodes real:COUNT or --root-nodes real:COUNT`)
    }
    const isOver = tellingWhatIsLeft(name)
    const testbed = await upTestbed({ ...options, cni: () => cni, progress })
    try {
      for (const cluster of csi ? withRealNodes(testbed, options) : []) {
        await installCsiHostPath(testbed.journal, cluster, { progress })
      }
    } catch (error) {
      await downTestbed(name, progress)
      throw error
    }
    isOver()
    if (options.json) print(summary(testbed))
    else show(testbed)
  })

named(program.command('down'))
  .description('stop and remove everything of a test bed, also after a crash')
  .action(async ({ name }: NameOption) => {
    const existed = await downTestbed(name, progress)
    progress.step(existed ? `test bed ${name} is down` : `there is no test bed ${name}`)
  })

program
  .command('list')
  .description('test beds on this machine')
  .option('--json', 'print JSON')
  .action(({ json }: JsonOption) => {
    const testbeds = testbedNames().map((name) => {
      const journal = new Journal(testbedDir(name))
      const processes = journal.processes()
      return {
        name,
        complete: journal.description() !== undefined,
        processes: processes.length,
        running: processes.filter(isAlive).length,
      }
    })
    if (json) return print(testbeds)
    if (testbeds.length === 0) console.log('there is no test bed')
    for (const t of testbeds)
      console.log(
        `${t.name.padEnd(20)} ${t.running}/${t.processes} processes run${t.complete ? '' : ', never came up'}`,
      )
  })

named(program.command('status'))
  .description('processes of a test bed, whether they run and answer')
  .option('--json', 'print JSON')
  .action(async ({ name, json }: NameOption & JsonOption) => {
    if (!existsSync(testbedDir(name))) attachTestbed(name)
    const processes = new Journal(testbedDir(name)).processes()
    const states = await Promise.all(
      processes.map(async (p) => {
        const running = isAlive(p)
        const healthy = running && (p.spec.health ? await isHealthy(p.spec.health) : true)
        return { id: p.spec.id, pid: p.pid, running, healthy, log: p.spec.log }
      }),
    )
    if (json) print(states)
    else
      for (const s of states)
        console.log(
          `${s.id.padEnd(34)} ${String(s.pid).padStart(8)} ${s.healthy ? 'ok' : s.running ? 'does not answer' : 'not running'}  ${s.log}`,
        )
    if (states.some((s) => !s.healthy)) process.exitCode = 1
  })

try {
  await program.parseAsync()
} catch (error) {
  console.error(`error: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
}
