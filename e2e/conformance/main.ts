import { progressOn } from '@kosmos/testbed'
import { Command } from 'commander'
import { describe, resultOf } from './report.ts'
import { runConformance } from './run.ts'

/** Conformance tests of what a node is asked to do. */
const FOCUS = '\\[(sig-node|sig-apps|sig-cli)\\].*\\[Conformance\\]'

const program = new Command('npm run conformance --')
  .description('Kubernetes’ own end-to-end tests, straight on a leaf and through the tree')
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))
  .option('--focus <regex>', 'which tests, by their names', FOCUS)
  .option('--skip <regex>', 'which of them not', '\\[Slow\\]')
  .option('--json', 'print one JSON object')
  .action(async ({ focus, skip, json }: { focus: string; skip: string; json?: boolean }) => {
    const run = await runConformance({ focus, skip, progress: progressOn(process.stderr) })
    console.log(json ? JSON.stringify(resultOf(focus, run)) : describe(focus, run))
  })

try {
  await program.parseAsync()
} catch (error) {
  console.error((error as Error).message)
  process.exitCode = 1
}
