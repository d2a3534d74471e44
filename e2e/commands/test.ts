import os from 'node:os'
import { progressOn } from '@kosmos/testbed'
import { prepareBinaries } from '../testing/prepare.ts'
import { runTests, runTogether, testFiles } from '../testing/run-tests.ts'

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

/** Two wait for their API servers a third of the time; each has two of them or so, of half a GiB. */
const liveAtOnce = os.freemem() > 8 * 1024 ** 3 ? 3 : 2

if (wanted.length === 0) await prepareBinaries(progressOn(process.stderr))

const total = { passed: 0, failed: 0, skipped: 0 }
for (const [title, files, run] of [
  ['Unit tests', unit, runTogether],
  ['Tests on real API servers', live, (files: string[]) => runTests(files, liveAtOnce)],
  // Each has clusters of its own, and waits for them most of its time.
  ['Scenarios on real clusters', scenarios, (files: string[]) => runTests(files, 2)],
] as const) {
  process.stdout.write(`\n${title}: ${files.length} files\n\n`)
  const counts = await run(files)
  total.passed += counts.passed
  total.failed += counts.failed
  total.skipped += counts.skipped
}
process.stdout.write(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped\n`)
process.exitCode = total.failed > 0 || total.passed === 0 ? 1 : 0
