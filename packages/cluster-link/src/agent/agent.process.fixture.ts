import { readFileSync } from 'node:fs'
import { createLog } from '@kosmos/kube/process'
import { createNodeAgent } from './node-agent.ts'
import { createShell } from './shell/shell.ts'

/** The agent of a host as a process of its own, without an API server: `SPEC_FILE STATE_DIR`; tells what it knows, and reads the file again at SIGHUP. */
const [specFile = '', stateDir = ''] = process.argv.slice(2)
const agent = createNodeAgent({
  shell: createShell(),
  stateDir,
  autodetection: { method: 'first-found' },
  log: createLog('info'),
  onReport: () => process.stdout.write(`${JSON.stringify(agent.report())}\n`),
  onReconcile: ({ key, seconds, error }) =>
    process.stderr.write(
      `${new Date().toISOString()} ${key} ${Math.round(seconds * 1000)} ms ${error?.message ?? ''}\n`,
    ),
})
let generation = 0
const want = () => agent.want(JSON.parse(readFileSync(specFile, 'utf8')), ++generation)
want()
process.on('SIGHUP', want)
await agent.run(new AbortController().signal)
