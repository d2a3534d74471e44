import { spawn } from 'node:child_process'
import { createWriteStream, readFileSync } from 'node:fs'
import path from 'node:path'
import { makeScratch, type Scratch } from '@kosmos/testbed'

/** How one test of upstream's suite ended. */
export interface Outcome {
  /** Its full text, as `--ginkgo.focus` sees it. */
  readonly name: string
  readonly state: 'passed' | 'failed' | 'skipped'
  readonly seconds: number
  /** Why it failed. */
  readonly message?: string
}

/** Upstream's e2e.test against one cluster. */
export interface Suite {
  readonly program: string
  readonly kubectl: string
  readonly kubeconfig: string
  /** Where what the tests print is kept. */
  readonly log: string
}

/** Fields of Ginkgo's JSON report (types.Report of github.com/onsi/ginkgo/v2). */
interface SpecReport {
  readonly ContainerHierarchyTexts: readonly string[] | null
  readonly LeafNodeText: string
  readonly LeafNodeType: string
  readonly State: string
  readonly RunTime: number
  readonly Failure?: { readonly Message?: string }
}

/** The names of the tests that an expression selects; none is run. */
export async function testNames(suite: Suite, focus: string, skip: string): Promise<string[]> {
  const outcomes = await ginkgo(suite, ['--ginkgo.dry-run', `--ginkgo.focus=${focus}`, `--ginkgo.skip=${skip}`])
  return outcomes.map(({ name }) => name)
}

/** Runs tests by their names, one after the other. */
export async function runTests(suite: Suite, names: readonly string[]): Promise<Outcome[]> {
  if (names.length === 0) return []
  const exactly = names.map((name) => name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|')
  return await ginkgo(suite, [`--ginkgo.focus= (${exactly})$`, '--ginkgo.timeout=3h'])
}

async function ginkgo({ program, kubectl, kubeconfig, log }: Suite, args: readonly string[]): Promise<Outcome[]> {
  const scratch = makeScratch('kosmos-conformance-')
  try {
    const report = path.join(scratch.dir, 'report.json')
    const flags = [
      `--kubeconfig=${kubeconfig}`,
      `--kubectl-path=${kubectl}`,
      '--provider=skeleton',
      '--dump-logs-on-failure=false',
      '--disable-log-dump',
      '--ginkgo.no-color',
      `--ginkgo.json-report=${report}`,
    ]
    await run(program, [...flags, ...args], scratch, log)
    return outcomesOf(JSON.parse(readFileSync(report, 'utf8')))
  } finally {
    await scratch.remove()
  }
}

/** A test that fails is no failure of the run: the report tells. */
async function run(program: string, args: readonly string[], { dir, mark }: Scratch, log: string): Promise<void> {
  const output = createWriteStream(log, { flags: 'a' })
  const [markName = '', markValue = ''] = mark.split('=')
  // The tests of kubectl leave folders where temporary ones are made. By the mark all end with us, also when we are killed.
  const env = { ...process.env, TMPDIR: dir, [markName]: markValue }
  const child = spawn(program, args, { cwd: dir, env, stdio: ['ignore', 'pipe', 'pipe'] })
  child.stdout.pipe(output, { end: false })
  child.stderr.pipe(output, { end: false })
  await new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  })
  output.end()
}

/** The tests of a report that were chosen. Pure. */
export function outcomesOf(reports: readonly { readonly SpecReports: readonly SpecReport[] | null }[]): Outcome[] {
  return reports
    .flatMap(({ SpecReports }) => SpecReports ?? [])
    .filter(({ LeafNodeType, State, Failure }) => LeafNodeType === 'It' && (State !== 'skipped' || Failure?.Message))
    .map(({ ContainerHierarchyTexts, LeafNodeText, State, RunTime, Failure }) => ({
      name: [...(ContainerHierarchyTexts ?? []), LeafNodeText].join(' '),
      state: State === 'passed' || State === 'skipped' ? State : 'failed',
      seconds: RunTime / 1e9,
      ...(Failure?.Message && { message: Failure.Message }),
    }))
}
