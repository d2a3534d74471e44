import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { progressOn } from '@kosmos/testbed'
import { bundlePrograms } from '../platform/programs.ts'
import { prepareBinaries } from '../testing/prepare.ts'
import { inOrder, runTests, runTogether, testFiles } from '../testing/run-tests.ts'

/** Unit tests, then tests on a real API server, then scenarios on real clusters; words on the command line select files. */
const wanted = process.argv.slice(2)
const selected = (files: string[]) =>
  wanted.length === 0 ? files : files.filter((file) => wanted.some((word) => file.includes(word)))

const LIVE = /\.live\.test\.ts$/
const unit = selected(
  await testFiles(
    ['packages/*/src/**/*.test.ts', 'e2e/**/*.test.ts'],
    /node_modules|\.live\.test\.ts$|scenarios|compatibility/,
  ),
)
const live = selected((await testFiles(['packages/*/src/**/*.test.ts'])).filter((file) => LIVE.test(file)))
const scenarios = selected(await testFiles(['e2e/scenarios/**/*.test.ts']))

const GIB = 1024 ** 3
const free = os.freemem()
/** Two wait a third of the time for their API servers; each has two of them or so, of half a GiB. */
const liveAtOnce = free > 8 * GIB ? 3 : 2
/** They wait for what Kubernetes takes its time for; each has up to four control planes, and many have real nodes. */
const scenariosAtOnce = free > 12 * GIB ? 3 : 2

if (wanted.length === 0) await prepareBinaries(progressOn(process.stderr))
// Components in Go that collect garbage a quarter as often use a quarter less CPU for half a control plane's memory more.
if (free > 12 * GIB) process.env.GOGC ??= '400'

/** What they start of ours is bundled once for all of them. */
async function runScenarios(files: readonly string[]) {
  if (files.length === 0) return await runTests(files, scenariosAtOnce)
  const folder = await mkdtemp(path.join(os.tmpdir(), 'kosmos-programs-'))
  try {
    Object.assign(process.env, await bundlePrograms(folder))
    return await runTests(inOrder(files), scenariosAtOnce)
  } finally {
    await rm(folder, { recursive: true })
  }
}

const total = { passed: 0, failed: 0, skipped: 0 }
for (const [title, files, run] of [
  ['Unit tests', unit, runTogether],
  ['Tests on real API servers', live, (files: string[]) => runTests(inOrder(files), liveAtOnce)],
  ['Scenarios on real clusters', scenarios, runScenarios],
] as const) {
  process.stdout.write(`\n${title}: ${files.length} files\n\n`)
  const counts = await run(files)
  total.passed += counts.passed
  total.failed += counts.failed
  total.skipped += counts.skipped
}
process.stdout.write(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped\n`)
process.exitCode = total.failed > 0 || total.passed === 0 ? 1 : 0
