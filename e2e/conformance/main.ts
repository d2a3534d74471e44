import { progressOn } from '@kosmos/testbed'
import { Command, Option } from 'commander'
import { models } from '../platform/node-model.ts'
import { describe, resultOf } from './report.ts'
import { type ConformanceOptions, runConformance } from './run.ts'

/** Conformance tests of what a node is asked to do. */
const FOCUS = '\\[(sig-node|sig-apps|sig-cli|sig-scheduling)\\].*\\[Conformance\\]'

const program = new Command('npm run conformance --')
  .description('Kubernetes’ own end-to-end tests, straight on a leaf and through the tree')
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))
  .option('--focus <regex>', 'which tests, by their names', FOCUS)
  .option('--skip <regex>', 'which of them not', '\\[Slow\\]')
  .addOption(new Option('--model <model>', 'what the leaf is in the root').choices(models).default('cluster'))
  .option('--json', 'print one JSON object')
  .action(async ({ json, ...options }: Omit<ConformanceOptions, 'progress'> & { json?: boolean }) => {
    const run = await runConformance({ ...options, progress: progressOn(process.stderr) })
    const { focus } = options
    console.log(json ? JSON.stringify(resultOf(focus, run)) : describe(focus, run))
  })

try {
  await program.parseAsync()
} catch (error) {
  console.error((error as Error).message)
  process.exitCode = 1
}
