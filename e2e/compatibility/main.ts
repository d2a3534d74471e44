import { ensureForeignImages, progressOn } from '@kosmos/testbed'
import { runTests, testFiles } from '../testing/run-tests.ts'
import { software } from './software.ts'

/** Software of others in leaves; words on the command line select some of it. */
const wanted = process.argv.slice(2)
const isWanted = (name: string) => wanted.length === 0 || wanted.some((word) => name.includes(word))

// Before the tests, which have a time limit.
const images = Object.entries(software).flatMap(([name, needed]) => (isWanted(name) ? needed : []))
await ensureForeignImages(images, progressOn(process.stderr))

const { passed, failed, skipped } = await runTests(
  (await testFiles(['e2e/compatibility/*.test.ts'])).filter(isWanted),
  1,
)
process.stdout.write(`\n${passed} passed, ${failed} failed, ${skipped} skipped\n`)
process.exitCode = failed > 0 || passed === 0 ? 1 : 0
