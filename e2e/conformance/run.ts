import { mkdirSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { type ControlPlane, ensureBinaries, type Progress } from '@kosmos/testbed'
import PQueue from 'p-queue'
import { type Model, nodeModel } from '../platform/node-model.ts'
import { startPlatform } from '../platform/platform.ts'
import { withoutTaint } from '../platform/tree-options.ts'
import { type Outcome, runTests, type Suite, testNames } from './suite.ts'

export interface ConformanceOptions {
  /** Which tests: a regular expression on their names. */
  readonly focus: string
  readonly skip: string
  readonly model: Model
  readonly progress: Progress
}

export interface ConformanceRun {
  readonly leaf: readonly Outcome[]
  readonly tree: readonly Outcome[]
}

/** Tests mostly wait, so several run beside each other; those that mind ([Serial]) follow alone. */
const BESIDE_EACH_OTHER = 6
/** Tests that one start of the suite runs: its set-up takes seconds, and a test that hangs holds up those behind it. */
const BATCH = 3

/** Upstream's tests on a leaf with two real nodes, and those that pass there through the tree, on one test bed. */
export async function runConformance({ focus, skip, model, progress }: ConformanceOptions): Promise<ConformanceRun> {
  const bin = await ensureBinaries(['e2e.test'], progress)
  progress.step('starting a root and a leaf with two real nodes')
  const images = ['busybox', 'agnhost', 'web', 'nautilus', 'nonewprivs'] as const
  const platform = await startPlatform('conformance', { leaves: 1, nodes: 'real:2', images })
  try {
    const { testbed } = platform
    const [leaf1] = testbed.leaves
    if (model === 'node' && leaf1) await nodeModel(platform.root, leaf1)
    // Upstream's tests take only nodes without a taint, and their pods tolerate none.
    await withoutTaint(platform.root, 'leaf1')
    const programs = { program: bin['e2e.test'] ?? '', kubectl: testbed.bin.kubectl ?? '' }
    const sides = { leaf: suiteOf(programs, leaf1, 'leaf'), tree: suiteOf(programs, testbed.root, 'tree') }
    const names = await testNames(sides.leaf, focus, skip)
    progress.step(`${names.length} tests; what they print is in ${path.dirname(sides.leaf.log)}`)
    const leaf = await runSide('leaf', sides.leaf, names, progress)
    const passed = leaf.filter(({ state }) => state === 'passed').map(({ name }) => name)
    const tree = await runSide('tree', sides.tree, passed, progress)
    return { leaf, tree }
  } finally {
    await platform.down()
  }
}

/** The suite against a cluster; what it prints begins anew. */
export function suiteOf(
  programs: Pick<Suite, 'program' | 'kubectl'>,
  cluster: Pick<ControlPlane, 'kubeconfig'> | undefined,
  name: string,
): Suite {
  const log = path.join(os.tmpdir(), 'kosmos-conformance-logs', `${name}.log`)
  mkdirSync(path.dirname(log), { recursive: true })
  rmSync(log, { force: true })
  return { ...programs, kubeconfig: cluster?.kubeconfig ?? '', log }
}

/** Runs tests by their names, several beside each other. */
export async function runSide(
  name: string,
  suite: Suite,
  names: readonly string[],
  progress: Progress,
): Promise<readonly Outcome[]> {
  const started = Date.now()
  const alone = names.filter((test) => /\[(Serial|Disruptive)\]/.test(test))
  const others = names.filter((test) => !alone.includes(test))
  const outcomes: Outcome[] = []
  const run = async (tests: readonly string[]) => {
    outcomes.push(...(await runTests(suite, tests)))
    progress.update(`${name}: ${outcomes.length} of ${names.length} tests`)
  }
  const batches = Array.from({ length: Math.ceil(others.length / BATCH) }, (_, i) =>
    others.slice(i * BATCH, (i + 1) * BATCH),
  )
  await new PQueue({ concurrency: BESIDE_EACH_OTHER }).addAll(batches.map((batch) => () => run(batch)))
  await run(alone)
  const failed = outcomes.filter(({ state }) => state === 'failed').length
  progress.step(
    `${name}: ${outcomes.length - failed} of ${outcomes.length} in ${Math.round((Date.now() - started) / 1000)} s`,
  )
  return outcomes
}
