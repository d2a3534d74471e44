import { spawnSync } from 'node:child_process'

/** Types, lint, formatting, import table and unit tests, by turbo, which remembers what has not changed. */
const { status } = spawnSync(
  'turbo',
  ['run', 'types', 'lint', 'unit', '--output-logs=errors-only', ...process.argv.slice(2)],
  {
    stdio: 'inherit',
  },
)
process.exitCode = status ?? 1
